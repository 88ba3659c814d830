"""Prove the CDN before rows depend on it."""

from collections.abc import Iterator, Sequence

from deploy.checklist import Result, Status
from deploy.deployment import Deployment

HITS = "cdn.hit-"
REMEDY = (
    "./bootstrap cdn.verify; with --object <bucket>/<name> for images that are there"
)


def proved(deployment: Deployment, objects: Sequence[str]) -> Iterator[Result]:
    """Run the checks of ``cdn.verify``; fail where none of them saw a hit.

    A dry run asks for no images and says so.
    """
    from deploy.cdn.verify import verify
    from deploy.checklist import skipped
    from deploy.steps.cdn import objects as of_environment

    if deployment.dry_run:
        yield skipped("cdn.all", "a dry run asks for no images")
        return
    hits = 0
    for result in verify(deployment, objects or of_environment()):
        yield result
        hits += result.id.startswith(HITS) and result.status is Status.PASS
    if not hits:
        yield Result(
            id="cdn.proved",
            title="no hit of the CDN was proved, and rows would depend on it: nothing"
            " was changed; --unverified goes on without",
            status=Status.FAIL,
            remedy=REMEDY,
        )
