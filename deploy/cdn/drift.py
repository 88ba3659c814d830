"""Drift at the edge: what serves images against what the renderers write."""

import os
from collections.abc import Iterator

from deploy.cdn import cloudflare, cloudfront, edge
from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.drift.findings import looked_at, skipped
from infra.catalog.cdn_modes import CLOUDFLARE_MODES, NONE

PART = "cdn"
TOKEN = "CLOUDFLARE_API_TOKEN"  # noqa: S105  # a variable's name


def drift(deployment: Deployment) -> Iterator[Result]:
    """Compare the live rules with the declared ones; change nothing."""
    declared = edge.of_stack(deployment.stack)
    mode = declared.config.mode
    if mode == NONE:
        yield from skipped(PART, "the stack has no CDN: cdn is none")
        return
    token = os.environ.get(TOKEN, "")
    if mode in CLOUDFLARE_MODES and not token:
        reason = f"{TOKEN} is not set, and Cloudflare was not asked"
        yield from skipped(PART, reason, f"export {TOKEN}=...")
        return
    deployment.progress(f"asking for {mode}")
    found = 0
    for result in _results(deployment, declared, token):
        found += 1
        yield result
    yield looked_at(PART, f"{mode} of {declared.config.domain}", found)


def _results(
    deployment: Deployment, declared: edge.Edge, token: str
) -> Iterator[Result]:
    """Have the right API asked."""
    remedy = f"pulumi up --refresh --stack {deployment.stack}"
    if declared.config.mode in CLOUDFLARE_MODES:
        with cloudflare.Api(token) as api:
            yield from cloudflare.look(api, declared, remedy)
        return
    yield from cloudfront.look(deployment, declared, remedy)
