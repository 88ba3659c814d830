"""The task ``cdn.rewrite-urls``."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from deploy import console, run
from deploy.checklist import Result, Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.urls.asked import TASK, Asked, check, listed

if TYPE_CHECKING:
    from deploy.urls.columns import Column

DOING = {
    "cdn": "have its rows name their images at the CDN",
    "undo": "put back the addresses of its images",
    "origin": "have its rows name their images at Supabase",
}


def rewrite(stack: str, asked: Asked, out: Output) -> int:
    """Move the addresses of images, or put them back; give the exit code."""
    with run.ending(TASK, stack, as_json=out.as_json, debug=out.debug):
        from deploy.urls.columns import chosen

        check_stack(stack)
        columns = chosen(listed(asked.column), listed(asked.inside))
        check(asked)
        progress = console.Progress()
        deployment = Deployment(
            stack=stack, progress=progress.say, dry_run=asked.dry_run
        )
        run.confirm(deployment, yes=asked.yes, task=TASK, doing=DOING[asked.target])
        report = run.checklist(
            TASK, deployment, _steps(asked, columns), progress, judge=run.plain_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _steps(asked: Asked, columns: "Sequence[Column]") -> list[Step[Deployment]]:
    """Make the checklist: prove the CDN, then change rows."""

    def prove(deployment: Deployment) -> Iterator[Result]:
        from deploy.urls import proving

        yield from proving.proved(deployment, listed(asked.object))

    def body(deployment: Deployment) -> Iterator[Result]:
        from deploy.urls import running
        from deploy.urls.place import opened

        with opened(deployment, "moving addresses of images") as conn:
            if asked.target == "cdn":
                yield from running.to_cdn(deployment, conn, asked, columns)
            else:
                yield from running.back(deployment, conn, asked, columns)

    change = Step(id="urls", title="change addresses of images", run=body)
    if asked.target != "cdn" or asked.unverified:
        return [change]
    return [Step(id="cdn", title="prove the CDN", run=prove, verifies=True), change]
