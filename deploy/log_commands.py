"""The task ``db.convert-logs``."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from deploy import console, run
from deploy.checklist import Result, Status, Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.errors import DeployError

if TYPE_CHECKING:
    from deploy.logs.places import Connection, Seen

TASK = "db.convert-logs"
UNDO = f"./bootstrap {TASK} --undo"


def convert(stack: str, out: Output, *, undo: bool, dry_run: bool, yes: bool) -> int:
    """Convert the logs, or take that back; give the exit code."""
    with run.ending(TASK, stack, as_json=out.as_json, debug=out.debug):
        check_stack(stack)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
        doing = "take the conversion back" if undo else "convert its logs"
        run.confirm(deployment, yes=yes, task=TASK, doing=doing)
        body = _undoing if undo else _converting
        report = run.checklist(
            TASK,
            deployment,
            [Step(id="logs", title=doing, run=body)],
            progress,
            judge=run.plain_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


@contextmanager
def _session(deployment: Deployment) -> "Iterator[Connection]":
    """Open the session that converts; nobody migrates or converts beside it."""
    from deploy.database import explained
    from deploy.migrations.session import migrating, reset

    url = deployment.database_url()
    with (
        migrating(url, deployment.progress) as conn,
        explained(conn, "converting the logs"),
    ):
        reset(conn)
        conn.execute("set search_path = ''")
        yield conn


def _looked(conn: "Connection") -> "Seen":
    """Look at the table.

    Raises:
        DeployError: There is none, or our functions are not there.
    """
    import psycopg

    from deploy.logs.places import LIVE, look

    try:
        seen = look(conn)
    except (
        psycopg.errors.UndefinedFunction,
        psycopg.errors.InvalidSchemaName,
    ) as error:
        raise DeployError(
            "the migrations are not applied; nothing was changed",
            remedy="./bootstrap deploy --only migrations",
        ) from error
    if seen is None:
        raise DeployError(
            f"there is no table {LIVE}; nothing was changed",
            remedy="./bootstrap deploy --only migrations",
        )
    return seen


def _evidence(seen: "Seen") -> dict[str, object]:
    return {
        "layout": "partitioned" if seen.kind == "p" else "plain",
        "rows_estimate": seen.rows_estimate,
        "bytes": seen.bytes,
        "begun": seen.begun,
        "boundary": seen.boundary.isoformat() if seen.boundary else None,
        "old_part": seen.old_part,
    }


def _converting(deployment: Deployment) -> Iterator[Result]:
    """Convert, or say what would be done."""
    from deploy.logs import obstacles
    from deploy.logs.preparing import prepare
    from deploy.logs.swapping import swap

    with _session(deployment) as conn:
        seen = _looked(conn)
        if seen.kind == "p":
            yield Result(
                id="logs.layout",
                title="already partitioned by day; nothing to do",
                status=Status.PASS,
                evidence=_evidence(seen),
            )
            return
        yield _fitting(conn, obstacles.find(conn), seen)
        if deployment.dry_run:
            yield _planned(conn, seen)
            return
        if seen.is_prepared and (why := obstacles.changed_since(conn)):
            raise DeployError(
                f"{why}; the logs work as before", remedy=f"{UNDO}, then convert again"
            )
        boundary = prepare(conn, deployment.progress)
        swap(conn, boundary, deployment.progress)
        after = _looked(conn)
        yield Result(
            id="logs.converted",
            title=f"partitioned by day from {boundary}; what is older stays in"
            f" {after.old_part} until retention drops it",
            status=Status.PASS,
            evidence=_evidence(after) | {"undo": UNDO},
            changed=True,
        )


def _fitting(conn: "Connection", reasons: list[str], seen: "Seen") -> Result:
    """Say that nothing stands in the way.

    Raises:
        DeployError: Something does; nothing was changed.
    """
    from datetime import UTC, datetime

    from deploy.logs.obstacles import rows_in_the_way
    from deploy.logs.preparing import first_day

    boundary = seen.boundary or first_day(datetime.now(UTC))
    if not reasons:
        reasons = rows_in_the_way(conn, f"{boundary} 00:00:00+00")
    if reasons:
        raise DeployError(
            "edge_function_logs cannot be converted: "
            + "; ".join(reasons)
            + ". Nothing was changed",
            remedy="put that right, then ./bootstrap db.convert-logs --dry-run",
            evidence={"reasons": reasons},
        )
    return Result(
        id="logs.table",
        title="a plain table that can be converted",
        status=Status.PASS,
        evidence=_evidence(seen),
    )


def _planned(conn: "Connection", seen: "Seen") -> Result:
    """Say what a run would do."""
    from datetime import UTC, datetime

    from deploy.logs.places import LIVE
    from deploy.logs.preparing import KEY, first_day

    boundary = seen.boundary or first_day(datetime.now(UTC))
    row = conn.execute(KEY.encode(), [LIVE]).fetchone()
    key = f"({row[0]}, created_at)" if row else None
    told = f"; the primary key becomes {key}" if key else ""
    return Result(
        id="logs.plan",
        title=f"would {'go on and ' if seen.begun else ''}make partitions by day from"
        f" {boundary}, and the table the first one{told}; writers wait under 0.25 s",
        status=Status.PASS,
        evidence={
            "boundary": boundary.isoformat(),
            "primary_key": key,
            "created_at": "becomes not null",
            "old_rows": "stay until all are older than the days that are kept",
        },
        planned=True,
    )


def _undoing(deployment: Deployment) -> Iterator[Result]:
    """Take a conversion back, as far as it is."""
    from deploy.logs.undoing import abandon, go_back

    with _session(deployment) as conn:
        seen = _looked(conn)
        if not (seen.begun or seen.old_part):
            yield Result(
                id="logs.undo",
                title="nothing to take back: "
                + (
                    "no conversion was begun"
                    if seen.kind == "r"
                    else "the old part is gone, or the table was made with partitions"
                ),
                status=Status.PASS,
                evidence=_evidence(seen),
            )
            return
        if deployment.dry_run:
            title = "would make the old part the plain table again"
            yield Result(
                id="logs.undo",
                title=title if seen.old_part else "would take back what is prepared",
                status=Status.PASS,
                evidence=_evidence(seen),
                planned=True,
            )
            return
        if seen.old_part:
            moved = go_back(conn, seen.old_part, deployment.progress)
        else:
            moved = abandon(conn, seen.boundary, deployment.progress)
        yield Result(
            id="logs.undo",
            title=f"plain as before; {moved} line(s) were moved back",
            status=Status.PASS,
            evidence=_evidence(_looked(conn)) | {"lines_moved": moved},
            changed=True,
        )
