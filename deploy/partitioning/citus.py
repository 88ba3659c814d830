"""The same layout for Citus: written out, and run only where the extension is."""

from collections.abc import Iterator
from pathlib import Path

from deploy import console, run
from deploy.checklist import Result, Status, Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.errors import UsageError
from deploy.options import number

TASK = "db.citus-ddl"
TEMPLATE = Path(__file__).with_name("citus.sql")
SHARDS = (2, 128)
EXTENSION = "select extversion from pg_extension where extname = 'citus'"


def ddl(shards: int) -> str:
    """Write the statements for so many shards."""
    return TEMPLATE.read_text().replace("{shards}", str(shards))


def show(stack: str, shards: str, out: Output, *, apply: bool, yes: bool) -> int:
    """Print the statements, or run them; give the exit code."""
    with run.ending(TASK, stack, as_json=out.as_json, debug=out.debug):
        text = ddl(number("--shards", shards, SHARDS, TASK))
        check_stack(stack)
        if not apply and not out.as_json:
            console.say_lines(text.splitlines())
            console.tell_lines(["printed only: nothing was run, on no Citus"])
            return 0
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=not apply)
        run.confirm(deployment, yes=yes, task=TASK, doing="distribute its tables")
        step: Step[Deployment] = Step(
            id="citus",
            title="distribute the tables by conversation",
            run=lambda deployment: _run(deployment, text),
        )
        report = run.checklist(
            TASK, deployment, [step], progress, judge=run.plain_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _run(deployment: Deployment, text: str) -> Iterator[Result]:
    """Run the statements in one transaction, where the extension is."""
    from deploy.database import connect, explained
    from deploy.migrations.session import migrating, reset

    url = deployment.database_url()
    if deployment.dry_run:
        yield Result(
            id="citus.ddl",
            title="printed only: nothing was run, on no Citus",
            status=Status.SKIPPED,
            evidence={"ddl": text},
        )
        return
    with connect(url) as conn, explained(conn, "looking for Citus"):
        found = conn.execute(EXTENSION).fetchone()
    if found is None:
        raise UsageError(
            "extension citus is not in this database: nothing was run, nothing was"
            " changed",
            remedy="./bootstrap db.citus-ddl",
        )
    with (
        migrating(url, deployment.progress) as conn,
        explained(conn, "distributing the tables"),
    ):
        reset(conn)
        with conn.transaction():
            conn.execute(text.encode())
    yield Result(
        id="citus.ddl",
        title=f"tables are distributed by conversation (Citus {found[0]})",
        status=Status.PASS,
        changed=True,
    )
