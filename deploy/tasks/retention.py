"""The tasks of what is kept: converting the logs, deleting a user."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {
        "undo": "Take a conversion back, ended or not.",
        "dry_run": "Show what would be done; change nothing.",
        "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
    }
)
def convert_logs(
    c: Context,
    undo: bool = False,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Turn a plain edge_function_logs into daily partitions while the app writes.

    Examples: db.convert-logs --dry-run | db.convert-logs --stack production |
    db.convert-logs --undo

    Exit codes: 0 done, or nothing to do; 2 usage; 4 it cannot be converted, and
    nothing was changed; 75 somebody migrates or converts.
    """
    from deploy import commands, log_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(
        log_commands.convert(stack, out, undo=undo, dry_run=dry_run, yes=yes)
    )


@task(
    help=SHOWN
    | {
        "user": "Id of the user, a UUID.",
        "confirm": "The id once more; with --yes, needed on a cloud stack.",
        "allow": "Tables of which rows of other users may go along, with commas.",
        "dry_run": "Show per table what would go; change nothing.",
        "yes": "Do not ask; --confirm is needed all the same.",
    }
)
def delete(
    c: Context,
    user: str = "",
    confirm: str = "",
    allow: str = "",
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Delete all that is a user's, in small batches; it cannot be undone.

    The login and files stay, and the report says how to delete them.

    Examples: user.delete --user ID --dry-run | user.delete --user ID --stack
    production

    Exit codes: 0 done, or nothing was left; 2 usage; 4 something stops it, and nothing
    was deleted; 5 a part is deleted, run it again; 75 another one runs.
    """
    from deploy import commands, user_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    chosen = (user, confirm, allow)
    raise SystemExit(user_commands.delete(stack, chosen, out, dry_run=dry_run, yes=yes))
