"""The tasks ``images.backfill`` and ``images.restore``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deploy import console, run
from deploy.checklist import Result, Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.errors import UsageError

PER_MINUTE_MAX = 600
SAMPLE_MAX = 100


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How much is done, as it was typed.

    Attributes:
        bucket: Name of a bucket; empty for all.
        per_minute: Images a minute.
        limit: Most images; empty for all.
        sample: Images of each bucket that a dry run makes smaller in memory.
    """

    bucket: str = ""
    per_minute: str = "60"
    limit: str = ""
    sample: str = "10"


def backfill(stack: str, pace: Pace, out: Output, *, dry_run: bool, yes: bool) -> int:
    """Make the images smaller that were there before; give the exit code."""
    task = "images.backfill"
    with run.ending(task, stack, as_json=out.as_json, debug=out.debug):
        names = _buckets(pace.bucket)
        rate = _number("--per-minute", pace.per_minute, PER_MINUTE_MAX)
        most = _number("--limit", pace.limit, 10**9) if pace.limit else None
        sample = _number("--sample", pace.sample, SAMPLE_MAX, least=0)
        doing = "make its images smaller"

        def body(deployment: Deployment) -> Iterator[Result]:
            from deploy.images import access, backfill, estimating

            said = deployment.progress
            with access.opened(deployment, doing) as place:
                if dry_run:
                    yield from estimating.estimated(place, names, rate, sample, said)
                else:
                    yield from backfill.backfilled(place, names, rate, most, said)

        step = Step(id="images", title=doing, run=body)
        return _ran(task, stack, step, out, dry_run=dry_run, yes=yes)


def restore(stack: str, out: Output, *, dry_run: bool, yes: bool) -> int:
    """Put replaced addresses back; give the exit code."""
    task = "images.restore"
    with run.ending(task, stack, as_json=out.as_json, debug=out.debug):
        doing = "put its images' addresses back"

        def body(deployment: Deployment) -> Iterator[Result]:
            from deploy.images import access, restoring

            with access.opened(deployment, doing) as place:
                yield from restoring.restored(
                    place, deployment.progress, dry_run=dry_run
                )

        step = Step(id="images", title=doing, run=body)
        return _ran(task, stack, step, out, dry_run=dry_run, yes=yes)


def _ran(
    task: str,
    stack: str,
    step: Step[Deployment],
    out: Output,
    *,
    dry_run: bool,
    yes: bool,
) -> int:
    """Ask, run the step, show the report."""
    check_stack(stack)
    progress = console.Progress()
    deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
    run.confirm(deployment, yes=yes, task=task, doing=step.title)
    report = run.checklist(task, deployment, [step], progress, judge=run.plain_judge)
    console.show(report, as_json=out.as_json, evidence=out.evidence)
    return int(report.exit_code)


def _buckets(bucket: str) -> Sequence[str]:
    """Give the buckets that are meant.

    Raises:
        UsageError: It is none whose images are made smaller; names those.
    """
    from infra.catalog.cdn import PUBLIC_BUCKETS

    if bucket and bucket not in PUBLIC_BUCKETS:
        raise UsageError(
            f"no bucket {bucket!r} among {', '.join(PUBLIC_BUCKETS)}, whose images are"
            " made smaller; nothing was changed",
            remedy="./bootstrap images.backfill --dry-run",
        )
    return [bucket] if bucket else PUBLIC_BUCKETS


def _number(option: str, text: str, most: int, *, least: int = 1) -> int:
    """Read a whole number.

    Raises:
        UsageError: It is none, or out of range.
    """
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise UsageError(
            f"{option} must be a whole number from {least} to {most}, got {text!r};"
            " nothing was changed",
            remedy="./bootstrap images.backfill --help",
        )
    return int(text)
