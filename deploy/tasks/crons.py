"""The tasks of the pg_cron jobs."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {
        "job": "Name of a declared pg_cron job, or all.",
        "dry_run": "Show what would run; change nothing.",
        "yes": "Do not ask before a cloud stack's rows are changed.",
    },
)
def run(
    c: Context,
    job: str = "",
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Run the declared command of a pg_cron job at once and show its run log.

    Examples: crons.run --job snapshot-health | crons.run --job all |
    crons.run --job archive-old-messages --stack production --dry-run

    Exit codes: 0 done; 2 usage; 4 the database does not answer; 7 a job failed.
    """
    from deploy import commands, cron_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(cron_commands.run_cron(stack, job, out, dry_run=dry_run, yes=yes))


@task(
    help=SHOWN
    | {
        "job": "Name of a declared pg_cron job that somebody else's job has.",
        "dry_run": "Show both definitions and the undo statement; change nothing.",
        "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
    },
)
def adopt(
    c: Context,
    job: str = "",
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Replace a job of somebody else that has a declared name by the declared one.

    Examples: crons.adopt --job archive-old-messages --dry-run |
    crons.adopt --job archive-old-messages --stack production

    Exit codes: 0 done, or nothing to take over; 2 usage; 3 it is another role's job.
    """
    from deploy import commands, cron_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(cron_commands.adopt(stack, job, out, dry_run=dry_run, yes=yes))
