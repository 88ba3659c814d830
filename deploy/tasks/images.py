"""The tasks of the images."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN

YES = "Do not ask; on a cloud stack, needed where nobody can be asked."


@task(
    help=SHOWN
    | {
        "bucket": "Only this bucket, e.g. generated-images.",
        "per_minute": "Images a minute, 1 to 600.",
        "limit": "Most images of this run; all without it.",
        "sample": "Images of each bucket that --dry-run makes smaller in memory, 0 to"
        " 100.",
        "dry_run": "Count what waits, estimate time and savings; change nothing.",
        "yes": YES,
    }
)
def backfill(
    c: Context,
    bucket: str = "",
    per_minute: str = "60",
    limit: str = "",
    sample: str = "10",
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Make the images smaller that were there before; the originals stay.

    An interrupted run goes on when it is called again. images.restore is the way back.

    Examples: images.backfill --dry-run | images.backfill --limit 100 --json

    Exit codes: 0 done; 2 usage; 3 the key is refused; 4 failed, what was done stays.
    """
    from deploy import commands, image_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    pace = image_commands.Pace(
        bucket=bucket, per_minute=per_minute, limit=limit, sample=sample
    )
    raise SystemExit(
        image_commands.backfill(stack, pace, out, dry_run=dry_run, yes=yes)
    )


@task(
    help=SHOWN
    | {
        "dry_run": "Count the rows that name a smaller form; change nothing.",
        "yes": YES,
    }
)
def restore(
    c: Context,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Have all rows name their original images again.

    Examples: images.restore --dry-run | images.restore --stack production

    Exit codes: 0 done; 2 usage; 4 failed, what was put back stays.
    """
    from deploy import commands, image_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(image_commands.restore(stack, out, dry_run=dry_run, yes=yes))
