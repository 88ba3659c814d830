"""The task of the analytics export."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {
        "to": "Folder, or s3://BUCKET/PREFIX.",
        "tables": "Only these tables, comma-separated.",
        "since": "Only rows from this day's month on, e.g. 2026-01-31.",
        "full": "Write all files anew.",
        "include_text": "Export what users wrote as well; asks.",
        "all_columns": "Export columns that the app added as well; asks.",
        "real_ids": "Keep the ids of users instead of pseudonyms; asks.",
        "from_replica": "Read the replica that DATABASE_REPLICA_URL names.",
        "forget": "Instead, remove the user with this id from the files.",
        "dry_run": "Say what would be written; write nothing.",
        "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
    }
)
def export(
    c: Context,
    to: str = "",
    tables: str = "",
    since: str = "",
    full: bool = False,
    include_text: bool = False,
    all_columns: bool = False,
    real_ids: bool = False,
    from_replica: bool = False,
    forget: str = "",
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Bring Parquet files for analytics up to date with the database.

    Without text and with pseudonyms unless told otherwise. Whatever was deleted in the
    database is deleted there, too.

    Examples: db.export --to exported --dry-run | db.export --to s3://bucket/analytics

    Exit codes: 0 done; 2 usage; 3 refused credentials; 4 failed, nothing published; 5
    published in part, run it again; 75 another export is at work.
    """
    from deploy.commands import Output
    from deploy.export import commands
    from deploy.export.choices import Choices

    out = Output(as_json=json, evidence=evidence, debug=debug)
    choices = Choices(
        to=to,
        tables=tables,
        since=since,
        full=full,
        include_text=include_text,
        all_columns=all_columns,
        real_ids=real_ids,
        from_replica=from_replica,
        forget=forget,
    )
    raise SystemExit(commands.export(stack, choices, out, dry_run=dry_run, yes=yes))
