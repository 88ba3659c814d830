"""The step that moves archived messages out of the hot table."""

from collections.abc import Iterator

from deploy.amounts import size
from deploy.archival import looking
from deploy.archival.looking import ToMove, look_once
from deploy.archival.marking import RECLAIM_JOB, UNDO
from deploy.archival.running import Job, Ran, kept, run_job
from deploy.checklist import Result, Status, Step
from deploy.database import connect
from deploy.deployment import Deployment
from deploy.errors import DeployError

GIVE_BACK = (
    "vacuum (full, analyze) public.messages; holds ACCESS EXCLUSIVE: nobody reads or"
    " writes messages until it ends, and it needs as much free space as the table has"
    " left. pg_repack --table public.messages (--parent-table where it is partitioned)"
    " does it beside the app, and holds that lock for a moment at its begin and end"
)
REUSED = (
    "the space is reused by new messages once autovacuum has passed; only VACUUM FULL"
    " or pg_repack give it back to the operating system"
)


def moving() -> Step[Deployment]:
    """Make the step that moves what nothing references, in small batches."""

    def body(deployment: Deployment) -> Iterator[Result]:
        with connect(deployment.database_url()) as conn:
            deployment.progress("looking at what may go")
            found = look_once(conn, ToMove, looking.RECLAIM)
        if not deployment.dry_run and found.without_index is None:
            job = Job(
                name=RECLAIM_JOB,
                statement="call kiloscale.reclaim_archived_messages()",
                values=(),
                task="db.reclaim",
                noun="messages moved",
            )
            try:
                ran = run_job(deployment.database_url(), job, deployment.progress)
            except DeployError as error:
                yield from kept("archival", job, error)
                raise
            yield _moved(ran)
        elif found.without_index is None:
            yield _foretold(found)
        yield from _observations(found)

    return Step(id="archival", title="move archived messages", run=body)


def _foretold(found: ToMove) -> Result:
    """Say what a run would move now."""
    return Result(
        id="archival.reclaim",
        title=f"would move {found.messages_to_move:,} messages to"
        f" kiloscale.messages_archive; about {size(found.reusable_bytes)} become"
        " reusable",
        status=Status.PASS,
        evidence=looking.evidence(found) | {"give_back": GIVE_BACK},
        planned=found.messages_to_move > 0,
    )


def _moved(ran: Ran) -> Result:
    """Say what a run moved."""
    stopped = ran.log.detail.get("stopped")
    rate = f", {ran.log.rows / ran.seconds:,.0f} a second" if ran.seconds >= 1 else ""
    title = (
        f"moved {ran.log.rows:,} messages in {ran.seconds:.1f} s"
        f" ({ran.log.batches:,} batches{rate}); {REUSED}"
    )
    if stopped:
        title += f"; {stopped}: run it again for the rest"
    return Result(
        id="archival.reclaim",
        title=title,
        status=Status.WARN if stopped else Status.PASS,
        evidence=ran.log.evidence()
        | {"wal_bytes": ran.wal_bytes, "give_back": GIVE_BACK, "undo": UNDO},
        remedy="./bootstrap db.reclaim" if stopped else None,
        changed=ran.log.rows > 0,
    )


def _observations(found: ToMove) -> Iterator[Result]:
    """Say what stays and why, and what a person should know of the app's tables."""
    if found.without_index:
        first = found.without_index.split("), ")[0].rstrip(")") + ")"
        yield Result(
            id="archival.indexes",
            title=f"nothing is moved: {found.without_index} references messages and"
            " has no index, so that each message would scan the whole table",
            status=Status.FAIL,
            evidence={"without_index": found.without_index},
            remedy=f"create index concurrently on {first};",
        )
    if found.kept_by_references:
        yield Result(
            id="archival.kept",
            title=f"{found.kept_by_references:,} archived messages stay in the table:"
            f" {found.referencing_columns} points at them, and moving them would clear"
            " the link or delete what points there",
            status=Status.PASS,
            evidence={
                "kept": found.kept_by_references,
                "columns": found.referencing_columns,
            },
        )
    if found.without_foreign_key:
        yield Result(
            id="archival.unchecked",
            title=f"{found.without_foreign_key}: no foreign key, so that what it points"
            " at is moved like any other message; add one to keep it in the table",
            status=Status.WARN,
            evidence={"columns": found.without_foreign_key},
        )
    if found.move_triggers:
        yield Result(
            id="archival.triggers",
            title=f"triggers of the app on messages fire for each move:"
            f" {found.move_triggers}; one can leave that out by WHEN"
            " (current_setting('kiloscale.moving', true) is distinct from 'on')",
            status=Status.WARN,
            evidence={"triggers": found.move_triggers},
        )
