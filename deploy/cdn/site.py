"""The CDN of a stack as it answers: its address, its mode, and what it asks."""

from dataclasses import dataclass, field
from pathlib import Path

from deploy.checklist import Result, skipped
from deploy.deployment import Deployment
from deploy.errors import DeployError
from infra.catalog.cdn_modes import NONE, WORKER_CACHE_API, WORKER_MODES

SERVICE_KEY = ("supabaseServiceKey", "KILOSCALE_SUPABASE_SERVICE_KEY")
PURGE_KEY = ("purgeKey", "KILOSCALE_PURGE_KEY")
"""Secrets: key in the stack's file, variable of the environment."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A CDN that is asked as a browser asks it.

    Attributes:
        mode: One of `infra.cdn_config.CDN_MODES`, not ``none``.
        base_url: Its address, without a slash at the end.
        origin_url: Address of the Supabase project.
        is_local: Whether it is the edge of the local stack, without TLS: to load the
            certificates for a client takes longer than its requests.
        origin_log: Log of the origin's requests, where they can be counted.
    """

    mode: str
    base_url: str
    origin_url: str
    is_local: bool = False
    origin_log: Path | None = field(default=None, repr=False)

    @property
    def has_worker(self) -> bool:
        """Whether the Worker answers, whose headers say which copy it is."""
        return self.mode in WORKER_MODES


def find(deployment: Deployment, check_id: str = "cdn.all") -> Site | Result:
    """Find the CDN of a stack; where there is none, give the check that is skipped.

    Raises:
        DeployError: The local edge should run and does not.
        UsageError: A value of the stack's file is missing or wrong.
    """
    if deployment.is_local:
        return _local(deployment, check_id)
    from deploy.cdn import edge

    declared = edge.of_stack(deployment.stack)
    if declared.config.mode == NONE:
        return skipped(
            check_id,
            "the stack has no CDN: cdn is none",
            f"pulumi config set cdn worker-cache --stack {deployment.stack}",
        )
    return Site(
        mode=declared.config.mode,
        base_url=declared.config.base_url,
        origin_url=f"https://{declared.config.origin_host}",
    )


def _local(deployment: Deployment, check_id: str) -> Site | Result:
    """Give the edge of the local stack."""
    from deploy.local.edge.part import EDGE
    from deploy.local.parts import log_path, status_of

    facts = deployment.require_local()
    part = status_of(EDGE, facts)
    if part.missing:
        return skipped(check_id, part.missing.reason, part.missing.remedy)
    if not part.running:
        raise DeployError(
            f"the edge of the local stack does not run: {part.detail}",
            remedy="./bootstrap local.start",
        )
    return Site(
        mode=WORKER_CACHE_API,
        base_url=facts.edge_url,
        origin_url=facts.supabase_url,
        is_local=True,
        origin_log=log_path(deployment.state, "stand-in"),
    )


def service_key(deployment: Deployment) -> str | None:
    """Give the key with which objects may be written; ``None`` if nobody has it."""
    if deployment.is_local:
        return deployment.require_local().service_role_key
    from deploy.cloud import settings

    return settings.secret(deployment, SERVICE_KEY)


def purge_key(deployment: Deployment) -> str | None:
    """Give the key of the Worker's purge path; ``None`` if nobody has it."""
    if deployment.is_local:
        return deployment.require_local().purge_key
    from deploy.cloud import settings

    return settings.secret(deployment, PURGE_KEY)
