"""The steps of the checklist that do not exist yet; they say so and pass nothing."""

from collections.abc import Iterator

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment


def _skipped(step_id: str, title: str) -> Step[Deployment]:
    """Make a step whose only result is that it was skipped."""

    def run(_: Deployment) -> Iterator[Result]:
        yield Result(
            id=f"{step_id}.all",
            title="skipped: not built yet",
            status=Status.SKIPPED,
            evidence={"reason": "this version of Kiloscale has no such step"},
        )

    return Step(id=step_id, title=title, run=run)


CDN = _skipped("cdn", "prove a cache hit for each rule")
