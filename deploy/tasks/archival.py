"""The tasks of archival."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN

CHANGING = {
    "dry_run": "Show what would be done; change nothing.",
    "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
}


@task(
    help=SHOWN
    | CHANGING
    | {
        "months": "Archive what has been inactive for so long, 1 to 1200; 6.",
        "keep": "Newest messages of a conversation that stay, 1 to 100000; 100.",
    }
)
def archive(
    c: Context,
    months: str = "6",
    keep: str = "100",
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Archive old messages of inactive conversations; no message is touched.

    Undo it by conversation: db.restore. Ctrl-C ends the run on the server as well; what
    is committed stays.

    Examples: db.archive --dry-run | db.archive --months 12 --keep 200

    Exit codes: 0 done; 2 usage; 4 failed; 75 a run is going on; 130 interrupted.
    """
    from deploy import archival_commands, commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(
        archival_commands.archive(stack, months, keep, out, dry_run=dry_run, yes=yes)
    )


@task(name="archival-stats", help=SHOWN)
def archival_stats(
    c: Context,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Show how much is archived, in place and moved, and the newest runs.

    Examples: db.archival-stats | db.archival-stats --json --stack production

    Exit codes: 0 shown; 2 usage; 4 the database does not answer.
    """
    from deploy import archival_commands, commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(archival_commands.stats(stack, out))


@task(help=SHOWN | CHANGING)
def reclaim(
    c: Context,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Move archived messages to the archive table, in small batches.

    What another table references stays. Undo it by conversation: db.restore.

    Examples: db.reclaim --dry-run | db.reclaim --stack production

    Exit codes: 0 done; 2 usage; 4 failed; 75 a run is going on; 130 interrupted.
    """
    from deploy import archival_commands, commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(archival_commands.reclaim(stack, out, dry_run=dry_run, yes=yes))


@task(
    help=SHOWN
    | CHANGING
    | {
        "conversation": "Id of the conversation.",
        "no_hold": "Let the next run of archival archive it again.",
    }
)
def restore(
    c: Context,
    conversation: str = "",
    no_hold: bool = False,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Make all messages of a conversation active again, moved ones too.

    In one transaction; archival then leaves the conversation alone.

    Examples: db.restore --conversation 3526e3f9-3663-45b0-aa16-44487fd9cc40 --dry-run

    Exit codes: 0 done; 2 usage, or no such conversation; 4 failed.
    """
    from deploy import archival_commands, commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(
        archival_commands.restore(
            stack, conversation, out, hold=not no_hold, dry_run=dry_run, yes=yes
        )
    )


@task(
    name="hard-delete",
    help=SHOWN
    | CHANGING
    | {
        "months": "Delete what was moved to the archive so long ago, 6 to 1200.",
        "rows": "How many messages that is, by --dry-run; with --yes on a cloud stack.",
    },
)
def hard_delete(
    c: Context,
    months: str = "",
    rows: str = "",
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Delete for good what has long been in the archive; cannot be undone.

    Examples: db.hard-delete --months 24 --dry-run |
    db.hard-delete --months 24 --stack production --yes --rows 1200

    Exit codes: 0 done; 2 usage; 4 failed; 75 a run is going on; 130 interrupted.
    """
    from deploy import archival_commands, commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(
        archival_commands.hard_delete(
            stack, months, rows, out, dry_run=dry_run, yes=yes
        )
    )
