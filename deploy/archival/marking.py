"""The steps that archive, and that show what is archived."""

import time
from collections.abc import Iterator

from deploy.amounts import size
from deploy.archival import looking
from deploy.archival.looking import Stats, ToArchive, look_once
from deploy.archival.running import Job, Ran, kept, run_job
from deploy.checklist import Result, Status, Step
from deploy.crons.state import newest_log
from deploy.database import connect
from deploy.deployment import Deployment
from deploy.errors import DeployError

ARCHIVE_JOB = "archive-old-messages"
RECLAIM_JOB = "reclaim-archived-messages"
HARD_DELETE_JOB = "hard-delete-archived-messages"
UNDO = "./bootstrap db.restore --conversation ID"

MONTHS, KEEP = 6, 100
"""Defaults of the task, as of the job."""


def archiving(months: int, keep: int) -> Step[Deployment]:
    """Make the step that moves the watermarks.

    Args:
        months: For how long nobody wrote in a conversation.
        keep: How many of its newest messages stay.
    """

    def body(deployment: Deployment) -> Iterator[Result]:
        if deployment.dry_run:
            yield _foretold(deployment, months, keep)
            return
        job = Job(
            name=ARCHIVE_JOB,
            statement="call kiloscale.run_archive_old_messages(%s, %s)",
            values=(months, keep),
            task=command(months, keep),
            noun="messages archived",
        )
        try:
            ran = run_job(deployment.database_url(), job, deployment.progress)
        except DeployError as error:
            yield from kept("archival", job, error)
            raise
        yield _archived(ran, job.task)

    return Step(id="archival", title="archive old messages", run=body)


def _foretold(deployment: Deployment, months: int, keep: int) -> Result:
    """Say what a run would archive now."""
    with connect(deployment.database_url()) as conn:
        found = look_once(conn, ToArchive, looking.ARCHIVE, months, keep)
    title = (
        f"would archive {found.messages_to_archive:,} messages of"
        f" {found.conversations_to_mark:,} conversations inactive since"
        f" {found.inactive_before:%Y-%m-%d}; the newest {keep} of each stay"
    )
    if found.update_triggers:
        title += f"; triggers of the app fire: {found.update_triggers}"
    return Result(
        id="archival.archive",
        title=title,
        status=Status.PASS,
        evidence=looking.evidence(found),
        planned=found.conversations_to_mark > 0,
    )


def command(months: int, keep: int) -> str:
    """Write the task as it was asked for: another age would archive other messages.

    >>> command(6, 100), command(12, 200)
    ('db.archive', 'db.archive --months 12 --keep 200')
    """
    text = "db.archive"
    text += f" --months {months}" if months != MONTHS else ""
    return text + (f" --keep {keep}" if keep != KEEP else "")


def _archived(ran: Ran, task: str) -> Result:
    """Say what a run archived."""
    marked = int(ran.log.detail.get("conversations", 0))
    skipped = int(ran.log.detail.get("skipped_locked", 0))
    stopped = ran.log.detail.get("stopped")
    title = f"archived {ran.log.rows:,} messages of {marked:,} conversations"
    title += f" in {ran.seconds:.1f} s, {ran.log.batches:,} batches"
    if skipped:
        title += f"; {skipped:,} conversations were locked: the next run takes them"
    if stopped:
        title += f"; {stopped}: run it again for the rest"
    return Result(
        id="archival.archive",
        title=title,
        status=Status.WARN if stopped or skipped else Status.PASS,
        evidence=ran.log.evidence() | {"wal_bytes": ran.wal_bytes, "undo": UNDO},
        remedy=f"./bootstrap {task}" if stopped or skipped else None,
        changed=marked > 0,
    )


def showing() -> Step[Deployment]:
    """Make the step that shows what is archived."""

    def body(deployment: Deployment) -> Iterator[Result]:
        with connect(deployment.database_url()) as conn:
            started = time.perf_counter()
            stats = look_once(conn, Stats, looking.STATS)
            ms = (time.perf_counter() - started) * 1000
            yield _counts(stats, ms)
            yield _sizes(stats)
            for job in (ARCHIVE_JOB, RECLAIM_JOB, HARD_DELETE_JOB):
                yield _newest_run(conn, job)

    return Step(id="archival", title="look at what is archived", run=body)


def _counts(stats: Stats, ms: float) -> Result:
    """Say how many messages are archived."""
    return Result(
        id="archival.messages",
        title=f"{stats.archived_messages:,} archived of about"
        f" {stats.total_messages:,}: {stats.archived_in_place:,} in place,"
        f" {stats.archived_moved:,} moved; of {stats.conversations_archived:,}"
        f" conversations, {stats.conversations_on_hold:,} on hold",
        status=Status.PASS,
        evidence=looking.evidence(stats),
        ms=ms,
    )


def _sizes(stats: Stats) -> Result:
    """Say what the tables take."""
    return Result(
        id="archival.sizes",
        title=f"messages {size(stats.messages_bytes)}, archive"
        f" {size(stats.archive_bytes)}, indexes included",
        status=Status.PASS,
        evidence={
            "messages_bytes": stats.messages_bytes,
            "archive_bytes": stats.archive_bytes,
        },
    )


def _newest_run(conn: looking.Connection, job: str) -> Result:
    """Say how the newest run of a job ended."""
    with looking.readable(conn, "reading the run log"):
        logged = newest_log(conn, job)
    name = f"archival.{job}"
    if logged is None:
        return Result(id=name, title="never ran", status=Status.PASS)
    when = f"{logged.started_at:%Y-%m-%d %H:%M}"
    done = f"{logged.rows:,} rows in {logged.batches:,} batches"
    if logged.error:
        title, status = f"{when} failed after {done}: {logged.error}", Status.WARN
    elif logged.finished_at is None:
        title, status = f"{when} runs, or was killed: {done}", Status.WARN
    else:
        title, status = f"{when} {done}", Status.PASS
    return Result(id=name, title=title, status=status, evidence=logged.evidence())
