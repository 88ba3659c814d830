"""Drift at the edge: what serves images against what the renderers write."""

import os
from collections.abc import Iterator

from deploy.cdn import cloudflare, edge
from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.drift.findings import looked_at, skipped
from infra.cdn_config import CLOUDFLARE_MODES, NONE

PART = "cdn"
TOKEN = "CLOUDFLARE_API_TOKEN"  # noqa: S105  # a variable's name

BY_ENGINE = (
    "CloudFront's rules are compared by the engine's refresh, which needs the Pulumi"
    " CLI: see infrastructure"
)


def drift(deployment: Deployment) -> Iterator[Result]:
    """Compare the live rules with the declared ones; change nothing."""
    declared = edge.of_stack(deployment.stack)
    mode = declared.config.mode
    if mode == NONE:
        yield from skipped(PART, "the stack has no CDN: cdn is none")
        return
    if mode not in CLOUDFLARE_MODES:
        yield from skipped(PART, BY_ENGINE)
        return
    token = os.environ.get(TOKEN)
    if not token:
        yield from skipped(
            PART, f"{TOKEN} is not set, and Cloudflare was not asked", _export()
        )
        return
    remedy = f"pulumi up --refresh --stack {deployment.stack}"
    deployment.progress("asking Cloudflare")
    found = 0
    with cloudflare.Api(token) as api:
        for result in cloudflare.look(api, declared, remedy):
            found += 1
            yield result
    yield looked_at(PART, f"{mode} of {declared.config.domain} at Cloudflare", found)


def _export() -> str:
    """Give the command that sets the token."""
    return f"export {TOKEN}=..."
