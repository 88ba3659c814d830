"""Whose CDN it is, and so who is told to forget."""

import os
from contextlib import ExitStack

from deploy import account
from deploy.cdn import cloudflare, cloudfront, edge
from deploy.cdn.drift import TOKEN
from deploy.cdn.purging.calls import Backend
from deploy.cdn.purging.cloudfront import CloudFrontBackend
from deploy.cdn.purging.worker import LocalBackend, WorkerBackend
from deploy.cdn.purging.zone import ZoneBackend
from deploy.cdn.site import PURGE_KEY, Site, find, purge_key
from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError, UsageError
from infra.catalog.cdn_modes import CLOUDFRONT, WORKER_CACHE


def site_of(deployment: Deployment) -> Site:
    """Give the stack's CDN.

    Raises:
        UsageError: It has none.
    """
    site = find(deployment, "purge.all")
    if isinstance(site, Result):
        reason = site.title.removeprefix("skipped: ")
        raise UsageError(f"nothing to purge: {reason}", remedy=site.remedy)
    return site


def backend_of(deployment: Deployment, site: Site, held: ExitStack) -> Backend:
    """Give who is told.

    Raises:
        AuthError: What the provider asks for is not known.
    """
    if site.is_local:
        return LocalBackend(deployment=deployment, stack=deployment.require_local())
    if site.mode == WORKER_CACHE:
        key = purge_key(deployment)
        if not key:
            variable = PURGE_KEY[1]
            raise AuthError(
                f"{variable} is not set, and no Pulumi CLI gives it: nothing was"
                " purged",
                remedy=f"export {variable}=...",
            )
        return WorkerBackend(base_url=site.base_url, key=key)
    declared = edge.of_stack(deployment.stack)
    if site.mode == CLOUDFRONT:
        return _of_cloudfront(deployment, declared)
    token = os.environ.get(TOKEN, "")
    if not token:
        raise AuthError(
            f"{TOKEN} is not set: nothing was purged", remedy=f"export {TOKEN}=..."
        )
    return ZoneBackend(
        api=held.enter_context(cloudflare.Api(token)),
        zone_id=declared.accounts.cloudflare_zone_id,
        host=declared.config.domain,
    )


def _of_cloudfront(deployment: Deployment, declared: edge.Edge) -> CloudFrontBackend:
    """Find the distribution.

    Raises:
        DeployError: There is none with the stack's domain.
    """
    client = account.client(deployment, "cloudfront")
    host = declared.config.domain
    with account.explained(deployment, f"the distribution of {host}"):
        known = cloudfront.distribution(client, host)
    if known is None:
        raise DeployError(
            f"no distribution has the name {host}: nothing was purged",
            remedy=f"./bootstrap deploy --only infrastructure{deployment.suffix}",
        )
    return CloudFrontBackend(deployment=deployment, client=client, distribution=known)
