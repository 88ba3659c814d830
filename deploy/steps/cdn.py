"""Prove a hit of the CDN for each rule, once for the very same rules and Worker."""

import hashlib
import os
from collections.abc import Iterator

from deploy import ledger
from deploy.checklist import Result, Status, Step, skipped
from deploy.deployment import Deployment
from deploy.steps.watching import watched

OBJECTS_VARIABLE = "KILOSCALE_CDN_OBJECTS"
"""Objects to ask for instead of uploading some: ``bucket/name``, comma-separated."""

DONE = frozenset({Status.PASS, Status.WARN, Status.SKIPPED})


def run(deployment: Deployment) -> Iterator[Result]:
    """Prove the CDN, or say since when it is proved."""
    from deploy.cdn.site import find

    if deployment.dry_run:
        yield skipped("cdn.all", "a dry run asks for no images")
        return
    site = find(deployment)
    if isinstance(site, Result):
        yield site
        return
    proved = _digest(site.mode, site.base_url, site.origin_url)
    entries = ledger.read(deployment.records)
    if entries.get("cdn_proved") == proved:
        at = entries["cdn_proved_at"]
        yield skipped("cdn.all", f"proved for these very rules at {at}")
        return
    from deploy.cdn.verify import verify

    complete = True
    for result in verify(deployment, objects()):
        proves = result.id.startswith("cdn.hit")
        good = result.status in ({Status.PASS} if proves else DONE)
        complete = complete and good
        yield result
    if complete:
        ledger.write(deployment.records, cdn_proved=proved, cdn_proved_at=ledger.now())


def objects() -> tuple[str, ...]:
    """Give the objects that the environment names."""
    named = os.environ.get(OBJECTS_VARIABLE, "").split(",")
    return tuple(each.strip() for each in named if each.strip())


def _digest(*where: str) -> str:
    """Digest all that decides how the CDN answers."""
    from infra.edge import cache_rules, path_patterns, worker_settings

    host = where[1].partition("://")[2]
    parts = (
        *where,
        worker_settings.render(origin=where[2], cache=worker_settings.CACHE_API),
        worker_settings.WORKER.read_text(encoding="utf-8"),
        repr(cache_rules.render(host)),
        repr(path_patterns.render()),
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


STEP = watched(
    Step(id="cdn", title="prove a hit of the CDN for each rule", run=run, verifies=True)
)
"""A step that verifies: a failed result ends the deploy with 7."""
