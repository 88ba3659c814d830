"""The tasks of the queues."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(help=SHOWN | {"queue": "Only this queue, e.g. llm-requests."})
def dead(
    c: Context,
    queue: str = "",
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Show what no consumer could do: dead letters and dead outbox rows.

    Shows ids, ages, receives and reasons; never the text of a message.

    Examples: queue.dead | queue.dead --queue llm-requests --json

    Exit codes: 0 nothing is dead; 7 something is.
    """
    from deploy import commands, queue_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(queue_commands.dead(stack, queue, out))


@task(
    help=SHOWN
    | {
        "queue": "Only this queue, e.g. llm-requests.",
        "id": "Only the work of this outbox row.",
        "dry_run": "Show what would be sent again; change nothing.",
        "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
    }
)
def replay(
    c: Context,
    queue: str = "",
    id: str = "",
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Send dead work again; what was done meanwhile is not done twice.

    Examples: queue.replay --dry-run | queue.replay --queue llm-requests

    Exit codes: 0 done, or nothing was dead; 2 usage; 4 failed.
    """
    from deploy import commands, queue_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    chosen = queue_commands.Chosen(queue=queue, outbox_id=id)
    raise SystemExit(
        queue_commands.replay(stack, chosen, out, dry_run=dry_run, yes=yes)
    )
