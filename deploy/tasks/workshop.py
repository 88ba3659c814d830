"""The tasks of whoever works on the app, or on Kiloscale."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


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

    Examples: bench main | bench infra | bench main --json

    Exit codes: 0 all targets met; 7 a figure misses its target.
    """
    from deploy import bench as benchmarks

    raise SystemExit(benchmarks.run(suite, as_json=json, debug=debug))


@task(
    help={
        "unit": "Only what needs no PostgreSQL and no emulator; a minute.",
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
