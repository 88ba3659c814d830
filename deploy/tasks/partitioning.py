"""The tasks of partitions."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {
        "phase": "plan, prepare, copy, verify, swap, sync, back, finish or abort.",
        "partitions": "How many, 2 to 128; counts at prepare.",
        "load": "Percentage of the time in which the copy works, 1 to 100.",
        "wait_ms": "Longest that a swap may keep writers waiting, in ms, 20 to 5000.",
        "anyway": "Begin although the plan advises against it.",
        "dry_run": "Only look, whatever the phase.",
        "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
    }
)
def partition(
    c: Context,
    phase: str = "plan",
    partitions: str = "16",
    load: str = "50",
    wait_ms: str = "150",
    anyway: bool = False,
    stack: str = "local",
    dry_run: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Convert messages to hash partitions on chat_id while the app runs.

    A phase at a time, each of which may be interrupted and run again: prepare, copy,
    verify, swap, finish. Until the swap, abort removes all of it; until finish, back
    returns to the old table with all that was written since. finish cannot be undone.

    Examples: db.partition | db.partition --phase prepare --anyway |
    db.partition --phase copy --load 30

    Exit codes: 0 done; 2 usage or advised against; 4 failed; 5 half done, run it again;
    7 something is in the way, or the tables differ; 75 another run.
    """
    from deploy import commands
    from deploy.partitioning import commands as partitioning

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    numbers = {"partitions": partitions, "load": load, "wait_ms": wait_ms}
    raise SystemExit(
        partitioning.partition(
            stack,
            lambda: partitioning.choice(phase, numbers, anyway=anyway),
            out,
            dry_run=dry_run,
            yes=yes,
        )
    )


@task(
    help=SHOWN
    | {
        "shards": "Shards of each distributed table, 2 to 128.",
        "apply": "Run it, where extension citus is; without, it is printed only.",
        "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
    }
)
def citus_ddl(
    c: Context,
    shards: str = "32",
    apply: bool = False,
    stack: str = "local",
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Write the same layout for Citus: tables distributed by conversation.

    Not tried on a Citus of ours: read it, and what it says is to change, first.

    Examples: db.citus-ddl > citus.sql | db.citus-ddl --shards 64

    Exit codes: 0 printed, or run; 2 usage, or no extension citus; 4 failed.
    """
    from deploy import commands
    from deploy.partitioning import citus

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(citus.show(stack, shards, out, apply=apply, yes=yes))
