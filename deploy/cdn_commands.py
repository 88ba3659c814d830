"""The tasks ``cdn.verify`` and ``cdn.purge``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploy import console, run
from deploy.checklist import Result, Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a purge is asked to do, as it was typed.

    Attributes:
        path: Images, comma-separated, or ``@FILE`` with a JSON list of them.
        tag: Tags, comma-separated.
        everything: Whether all copies are meant.
        wait: Whether it purges again after a minute.
        dry_run: Show only.
        yes: Do not ask.
    """

    path: str = ""
    tag: str = ""
    everything: bool = False
    wait: bool = False
    dry_run: bool = False
    yes: bool = False


def verify(stack: str, objects: str, out: Output) -> int:
    """Prove what a stack's CDN serves; give the exit code."""
    with run.ending("cdn.verify", stack, as_json=out.as_json, debug=out.debug):
        from deploy.steps.cdn import objects as of_environment

        named = _listed(objects) or of_environment()
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say)

        def body(deployment: Deployment) -> Iterator[Result]:
            from deploy.cdn.verify import verify as prove

            yield from prove(deployment, named)

        step = Step(id="cdn", title="prove the CDN", run=body, verifies=True)
        report = run.checklist(
            "cdn.verify", deployment, [step], progress, judge=run.verify_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def purge(stack: str, asked: Asked, out: Output) -> int:
    """Forget copies of images; give the exit code."""
    with run.ending("cdn.purge", stack, as_json=out.as_json, debug=out.debug):
        from deploy.cdn.purging.purge import Purge
        from deploy.cdn.purging.wanted import listed, read

        check_stack(stack)
        wanted = read(
            paths=listed(asked.path),
            tags=_listed(asked.tag),
            everything=asked.everything,
        )
        progress = console.Progress()
        deployment = Deployment(
            stack=stack, progress=progress.say, dry_run=asked.dry_run
        )
        if wanted.everything:
            run.confirm(
                deployment,
                yes=asked.yes,
                task="cdn.purge --everything",
                doing="forget every image of its CDN; each is then fetched again",
            )
        steps = Purge(wanted=wanted, wait=asked.wait).steps()
        report = run.checklist(
            "cdn.purge", deployment, steps, progress, judge=run.verify_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def watch(stack: str, out: Output, *, stop: bool, dry_run: bool, yes: bool) -> int:
    """Have changed images purged by themselves, or end it; give the exit code."""
    with run.ending("cdn.watch", stack, as_json=out.as_json, debug=out.debug):
        from deploy.cdn import watching

        check_stack(stack)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
        watching.check(deployment)
        run.confirm(
            deployment,
            yes=yes,
            task="cdn.watch --stop" if stop else "cdn.watch",
            doing="remove its two triggers of storage.objects"
            if stop
            else "put two triggers on its storage.objects",
        )
        body = watching.unwatch if stop else watching.watch
        step = Step(id="cdn", title="watch public images", run=body)
        report = run.checklist(
            "cdn.watch", deployment, [step], progress, judge=run.plain_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _listed(text: str) -> Sequence[str]:
    """Read a list that is parted by commas."""
    return tuple(each.strip() for each in text.split(",") if each.strip())
