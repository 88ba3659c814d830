"""Everyday commands. ``./bootstrap --list`` shows them; the work is in ``deploy/``."""

from invoke.collection import Collection
from invoke.context import Context
from invoke.tasks import task

SHOWN = {
    "stack": "Stack to act on; local is the embedded one.",
    "json": "Print one JSON document on stdout instead of a table.",
    "evidence": "Show what each check looked at and saw.",
    "debug": "Show the traceback of an error.",
}


@task(
    help=SHOWN
    | {
        "only": "Run only these steps, comma-separated, e.g. migrations,crons.",
        "skip": "Leave these steps out, comma-separated.",
        "from_": "Begin with this step, after preflight and database.",
        "resume": "Begin with the step in which the last deploy ended.",
        "dry_run": "Look at everything, change nothing.",
        "check": "As --dry-run, and exit 6 if something would change.",
        "yes": "Do not ask before changing a cloud stack.",
    }
)
def deploy(
    c: Context,
    stack: str = "local",
    only: str = "",
    skip: str = "",
    from_: str = "",
    resume: bool = False,
    dry_run: bool = False,
    check: bool = False,
    yes: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Run the deployment checklist; what is already so stays as it is.

    Examples: deploy | deploy --dry-run | deploy --only migrations,crons |
    deploy --resume | deploy --stack production --check

    Exit codes: 0 done; 2 usage; 3 auth; 4 failed, nothing changed; 5 failed half-way,
    run it with --resume; 6 changes, with --check; 7 not verified; 75 locked by another
    deploy; 130 interrupted.
    """
    from deploy.commands import Output
    from deploy.deploying import Request, deploy

    request = Request(
        stack=stack,
        only=only,
        skip=skip,
        start=from_,
        resume=resume,
        dry_run=dry_run,
        check=check,
        yes=yes,
    )
    out = Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(deploy(request, out))


@task(help=SHOWN)
def verify_crons(
    c: Context,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Prove that each scheduled job exists, runs and has its effect; change nothing.

    Examples: verify-crons | verify-crons --evidence | verify-crons --json

    Exit codes: 0 all ran; 7 something is wrong; 8 something was not due yet.
    """
    from deploy import commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(commands.verify_crons(stack, out))


@task(
    help=SHOWN | {"job": "Name of a declared pg_cron job, or all."},
)
def crons_run(
    c: Context,
    job: str,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Run the declared command of a pg_cron job at once and show its run log.

    Examples: crons.run --job snapshot-health | crons.run --job all
    """
    from deploy import commands, cron_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(cron_commands.run_cron(stack, job, out))


@task(
    help=SHOWN
    | {
        "job": "Name of a declared pg_cron job that somebody else's job has.",
        "dry_run": "Show both definitions and the undo statement; change nothing.",
        "yes": "Do not ask; on a cloud stack, needed where nobody can be asked.",
    },
)
def crons_adopt(
    c: Context,
    job: str,
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


@task(help=SHOWN | {"number": "Number of the receipt; 0 is the newest."})
def receipt_show(
    c: Context,
    number: int = 0,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Show the receipt of a deploy: each check, what it saw, how to undo it.

    Examples: receipt.show | receipt.show --number 3 --json
    """
    from deploy import commands, receipt_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(receipt_commands.show(stack, number, out))


@task(help=SHOWN)
def receipt_verify(
    c: Context,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Check that no receipt was edited or removed; exit 7 if one was."""
    from deploy import commands, receipt_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(receipt_commands.verify(stack, out))


@task(
    help=SHOWN
    | {
        "users": "Users to make, 1 to 10,000; 0 for what is there, else 50.",
        "minutes": "How long they write through the function URLs, 0 to 10.",
        "remove": "Remove the demo: its users and all that is theirs.",
        "dry_run": "Say what would be made, sent or removed; change nothing.",
    }
)
def demo(
    c: Context,
    users: int = 0,
    minutes: float = 1.0,
    remove: bool = False,
    dry_run: bool = False,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Fill the local database like 18 months of an app, then replay chat traffic.

    Examples: demo | demo --users 1000 | demo --minutes 0 | demo --remove

    Exit codes: 0 done; 2 usage, or a demo of another size is there; 5 filled half-way,
    run it again; 7 a message was not answered once; 75 another demo is at work.
    """
    from deploy.commands import Output
    from deploy.demo import commands

    out = Output(as_json=json, evidence=evidence, debug=debug)
    code = commands.demo(stack, users, minutes, remove=remove, dry_run=dry_run, out=out)
    raise SystemExit(code)


@task(
    positional=["suite"],
    help={
        "suite": "Name of a suite in benchmarks/, e.g. main.",
        "json": SHOWN["json"],
        "debug": SHOWN["debug"],
    },
)
def bench(c: Context, suite: str, json: bool = False, debug: bool = False) -> None:
    """Measure what Kiloscale promises in numbers, in a temporary clone.

    Examples: bench main | bench main --json

    Exit codes: 0 all targets met; 7 a figure misses its target.
    """
    from deploy import bench as benchmarks

    raise SystemExit(benchmarks.run(suite, as_json=json, debug=debug))


@task(
    help={
        "unit": "Only what needs no PostgreSQL and no emulator; a few seconds.",
        "match": "Only tests whose name matches, as pytest -k.",
        "json": SHOWN["json"],
    }
)
def test(c: Context, unit: bool = False, match: str = "", json: bool = False) -> None:
    """Run the tests; they start what they need and stop it.

    Examples: test | test --unit | test --match archive
    """
    from deploy import testing

    raise SystemExit(testing.run(unit=unit, match=match, as_json=json))


@task(help={"json": SHOWN["json"]})
def local_start(c: Context, json: bool = False) -> None:
    """Start the local stack: PostgreSQL, the AWS emulator, the stand-in."""
    from deploy import local_commands

    raise SystemExit(local_commands.start(as_json=json))


@task(help={"json": SHOWN["json"]})
def local_stop(c: Context, json: bool = False) -> None:
    """Stop the local stack; its data stays."""
    from deploy import local_commands

    raise SystemExit(local_commands.stop(as_json=json))


@task(help={"json": SHOWN["json"]})
def local_status(c: Context, json: bool = False) -> None:
    """Say which parts of the local stack run, and where; exit 7 if one does not."""
    from deploy import local_commands

    raise SystemExit(local_commands.status(as_json=json))


@task(
    help={
        "part": "postgres, emulator or stand-in; empty for all.",
        "lines": "How many lines from the end.",
        "json": SHOWN["json"],
    }
)
def local_logs(c: Context, part: str = "", lines: int = 40, json: bool = False) -> None:
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
def local_reset(
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
def local_destroy(
    c: Context, dry_run: bool = False, yes: bool = False, json: bool = False
) -> None:
    """Delete the local stack and all that was made for it here; cannot be undone.

    The repository's files and installed packages stay; ./bootstrap makes the rest.

    Examples: local.destroy --dry-run | local.destroy
    """
    from deploy import local_removal

    raise SystemExit(local_removal.destroy(as_json=json, dry_run=dry_run, yes=yes))


@task(
    help={
        "host": "Address to listen on; 0.0.0.0 opens it to the network.",
        "port": "Port to listen on; 0 takes a free one.",
    }
)
def serve(c: Context, host: str = "127.0.0.1", port: int = 8787) -> None:
    """Serve all functions in one process, on the local stack's database.

    With DATABASE_URL set, on that environment instead. Ctrl-C ends it, after the work
    that has begun.

    Examples: serve | serve --port 9000
    """
    from deploy import serving

    raise SystemExit(serving.serve(host, port))


@task(help=SHOWN | {"queue": "Only this queue, e.g. llm-requests."})
def queue_dead(
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
def queue_replay(
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


@task(
    help={
        "input": "Your own conversations as JSON lines; see docs/policy-lab.md.",
        "policy": "Only these policies, comma-separated.",
        "plot": "Write the plot to this file, .png or .svg.",
        "seed": "Seed of the made corpus and of the stand-in's losses.",
        "json": SHOWN["json"],
        "debug": SHOWN["debug"],
    }
)
def policy_lab(
    c: Context,
    input: str = "",
    policy: str = "",
    plot: str = "",
    seed: int = 42,
    json: bool = False,
    debug: bool = False,
) -> None:
    """Replay conversations through the memory policies: calls, cost, facts recalled.

    Examples: policy-lab | policy-lab --plot lab.png | policy-lab --input chats.jsonl
    """
    from deploy.policy_lab import commands

    lab = commands.Lab(source=input, policies=policy, plot=plot, seed=seed)
    raise SystemExit(commands.run(lab, as_json=json, debug=debug))


@task(
    help={
        "check": "Compare docs/openapi.json with the code; exit 6 if it differs.",
        "json": SHOWN["json"],
    }
)
def openapi(c: Context, check: bool = False, json: bool = False) -> None:
    """Write docs/openapi.json from the route table and the types of the bodies.

    Examples: openapi | openapi --check
    """
    from deploy import openapi

    raise SystemExit(openapi.run(check=check, as_json=json))


@task(help={"json": SHOWN["json"]})
def local_env(c: Context, json: bool = False) -> None:
    """Print what an app needs to use the local stack, as shell exports.

    Examples: eval "$(./bootstrap local.env)"
    """
    from deploy import local_commands

    raise SystemExit(local_commands.env(as_json=json))


namespace = Collection(
    deploy, verify_crons, demo, serve, bench, test, policy_lab, openapi
)
local = Collection("local")
for name, body in (
    ("start", local_start),
    ("stop", local_stop),
    ("status", local_status),
    ("logs", local_logs),
    ("reset", local_reset),
    ("destroy", local_destroy),
    ("env", local_env),
):
    local.add_task(body, name=name)
crons = Collection("crons")
crons.add_task(crons_run, name="run")
crons.add_task(crons_adopt, name="adopt")
queue = Collection("queue")
queue.add_task(queue_dead, name="dead")
queue.add_task(queue_replay, name="replay")
receipt = Collection("receipt")
receipt.add_task(receipt_show, name="show")
receipt.add_task(receipt_verify, name="verify")
namespace.add_collection(local)
namespace.add_collection(receipt)
namespace.add_collection(crons)
namespace.add_collection(queue)
