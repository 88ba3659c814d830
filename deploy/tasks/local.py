"""The tasks of the local stack."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(help={"json": SHOWN["json"]})
def start(c: Context, json: bool = False) -> None:
    """Start the local stack: PostgreSQL, the emulator, the stand-in, the edge.

    Examples: local.start | local.start --json
    """
    from deploy import local_commands

    raise SystemExit(local_commands.start(as_json=json))


@task(help={"json": SHOWN["json"]})
def stop(c: Context, json: bool = False) -> None:
    """Stop the local stack; its data stays.

    Examples: local.stop | local.stop --json
    """
    from deploy import local_commands

    raise SystemExit(local_commands.stop(as_json=json))


@task(help={"json": SHOWN["json"]})
def status(c: Context, json: bool = False) -> None:
    """Say which parts of the local stack run, and where; exit 7 if one does not.

    Examples: local.status | local.status --json
    """
    from deploy import local_commands

    raise SystemExit(local_commands.status(as_json=json))


@task(
    help={
        "part": "postgres, emulator, stand-in or edge; empty for all.",
        "lines": "How many lines from the end.",
        "json": SHOWN["json"],
    }
)
def logs(c: Context, part: str = "", lines: int = 40, json: bool = False) -> None:
    """Show the end of the logs of the local stack.

    Examples: local.logs | local.logs --part emulator --lines 200
    """
    from deploy import local_commands

    raise SystemExit(local_commands.logs(part, lines, as_json=json))


@task(
    help={
        "dry_run": "Say what would be deleted; delete nothing.",
        "yes": "Do not ask on a terminal.",
        "json": SHOWN["json"],
    }
)
def reset(
    c: Context, dry_run: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Stop the local stack and delete all its data; this cannot be undone.

    Examples: local.reset --dry-run | local.reset
    """
    from deploy import local_removal

    raise SystemExit(local_removal.reset(as_json=json, dry_run=dry_run, yes=yes))


@task(
    help={
        "dry_run": "Say what would be deleted; delete nothing.",
        "yes": "Do not ask on a terminal.",
        "json": SHOWN["json"],
    }
)
def destroy(
    c: Context, dry_run: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Delete the local stack and all that was made for it here; cannot be undone.

    The repository's files and installed packages stay; ./bootstrap makes the rest.

    Examples: local.destroy --dry-run | local.destroy
    """
    from deploy import local_removal

    raise SystemExit(local_removal.destroy(as_json=json, dry_run=dry_run, yes=yes))


@task(help={"json": SHOWN["json"]})
def env(c: Context, json: bool = False) -> None:
    """Print what an app needs to use the local stack, as shell exports.

    Examples: eval "$(./bootstrap local.env)"
    """
    from deploy import local_commands

    raise SystemExit(local_commands.env(as_json=json))
