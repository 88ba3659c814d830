"""Run a committing procedure: show how far it is, and end it with the task."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from deploy.archival.looking import readable
from deploy.checklist import Result, Status
from deploy.crons.state import RunLogRow, newest_log
from deploy.database import connect, require_writable
from deploy.errors import DeployError, InterruptedRunError, LockedError

POLL_S = 0.3
CANCEL_S = 10.0
"""A batch ends within a second: who does not answer in this time is not there."""

LAST_ID = "select coalesce(max(id), 0) from kiloscale.run_log"
WAL = "select pg_current_wal_insert_lsn()"
WAL_SINCE = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s::pg_lsn)::bigint"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A procedure that runs in committed batches.

    Attributes:
        name: Under which it writes to ``kiloscale.run_log``.
        statement: The ``CALL``. One statement, so that it may commit.
        values: Its parameters.
        task: The task that goes on where it stopped.
        noun: What its rows are, e.g. ``messages archived``.
    """

    name: str
    statement: str
    values: Sequence[object]
    task: str
    noun: str


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a run ended.

    Attributes:
        log: Its row of the run log.
        wal_bytes: WAL that the server wrote meanwhile, whoever caused it.
    """

    log: RunLogRow
    wal_bytes: int

    @property
    def seconds(self) -> float:
        """How long it took, in seconds, by the server's clock."""
        if self.log.finished_at is None:
            return 0.0
        return (self.log.finished_at - self.log.started_at).total_seconds()


class _Call(threading.Thread):
    """Runs the statement, so that the main thread may watch it and be interrupted."""

    def __init__(self, conn: psycopg.Connection[TupleRow], job: Job) -> None:
        super().__init__(name=job.name, daemon=True)
        self._conn = conn
        self._job = job
        self.error: Exception | None = None
        # Not join(): interrupted, it takes a thread that runs for one that has ended
        # (Python 3.11).
        self.ended = threading.Event()

    def run(self) -> None:
        """Run it; keep what it raises for the main thread, which raises it."""
        try:
            self._conn.execute(self._job.statement.encode(), self._job.values)
        except Exception as error:
            self.error = error
        finally:
            self.ended.set()


def run_job(url: str, job: Job, progress: Callable[[str], None]) -> Ran:
    """Run a procedure to its end.

    Args:
        url: Connection URI of the role that owns the app's tables.
        job: What to run.
        progress: Told of each batch.

    Raises:
        LockedError: Another run of the job is going on.
        InterruptedRunError: Somebody pressed Ctrl-C; the server's work has ended.
        DeployError: It failed; says what is kept.
    """
    with (
        connect(url, application_name=f"kiloscale {job.task}") as worker,
        connect(url, application_name=f"kiloscale {job.task} progress") as watcher,
    ):
        with readable(watcher, f"starting {job.name}"):
            require_writable(watcher, f"starting {job.name}")
            last_id = int(watcher.execute(LAST_ID).fetchall()[0][0])
            wal = watcher.execute(WAL).fetchall()[0][0]
        call = _Call(worker, job)
        call.start()
        try:
            _watch(call, watcher, job, last_id, progress)
        except KeyboardInterrupt:
            _end(call, worker)
            raise _interrupted(call, watcher, job, last_id) from None
        logged = None if watcher.closed else newest_log(watcher, job.name, last_id)
        if call.error is not None:
            raise _failed(job, call.error, logged) from call.error
        if logged is None:
            raise DeployError(
                f"{job.name} succeeded and wrote no row to kiloscale.run_log: nobody"
                " can tell what it did",
                remedy="./bootstrap deploy --only migrations",
            )
        written = int(watcher.execute(WAL_SINCE, [wal]).fetchall()[0][0])
    return Ran(log=logged, wal_bytes=written)


def kept(step_id: str, job: Job, error: DeployError) -> Iterator[Result]:
    """Give a result for what a run that failed has committed, if it has."""
    rows, batches = error.evidence.get("rows"), error.evidence.get("batches")
    if rows:
        yield Result(
            id=f"{step_id}.committed",
            title=f"{rows:,} {job.noun} in {batches:,} batches, committed and kept",
            status=Status.WARN,
            changed=True,
        )


def _watch(
    call: _Call,
    watcher: psycopg.Connection[TupleRow],
    job: Job,
    last_id: int,
    progress: Callable[[str], None],
) -> None:
    """Tell of the batches until the call ends."""
    started = time.monotonic()
    while not call.ended.wait(POLL_S):
        try:
            logged = newest_log(watcher, job.name, last_id)
        except psycopg.OperationalError:
            # The call has lost its connection too, and says why.
            call.ended.wait(CANCEL_S)
            return
        if logged:
            progress(
                f"{logged.rows:,} {job.noun} in {logged.batches:,} batches,"
                f" {time.monotonic() - started:.0f} s"
            )


def _end(call: _Call, worker: psycopg.Connection[TupleRow]) -> None:
    """Cancel the server's work, and wait until it has ended."""
    try:
        worker.cancel_safe(timeout=CANCEL_S)
    except psycopg.Error:
        # The server is gone, and its work with it.
        call.ended.wait(CANCEL_S)
        return
    call.ended.wait(CANCEL_S)


def _interrupted(
    call: _Call, watcher: psycopg.Connection[TupleRow], job: Job, last_id: int
) -> DeployError:
    """Say what an interrupted run has kept."""
    try:
        logged = newest_log(watcher, job.name, last_id)
    except psycopg.Error:
        logged = None
    rows, batches = (logged.rows, logged.batches) if logged else (0, 0)
    ended = (
        "the server has ended too"
        if call.ended.is_set()
        else "the server was told to end and did not answer in time"
    )
    return InterruptedRunError(
        f"{job.task} was interrupted, {ended}: {rows:,} {job.noun} in {batches:,}"
        " committed batches are kept, nothing is half done",
        remedy=f"./bootstrap {job.task}",
        evidence=logged.evidence() if logged else {},
    )


def _failed(job: Job, error: Exception, logged: RunLogRow | None) -> DeployError:
    """Say why a run failed, and what is kept of it."""
    evidence: dict[str, object] = logged.evidence() if logged else {}
    if not isinstance(error, psycopg.Error):
        return DeployError(f"{job.name}: {error}", evidence=evidence)
    said = error.diag.message_primary or str(error).strip()
    busy = isinstance(error, psycopg.errors.LockNotAvailable) and logged is None
    if busy:
        return LockedError(
            f"{said}; nothing was changed",
            remedy=f"wait for it, then ./bootstrap {job.task}",
            evidence={"sqlstate": error.sqlstate},
        )
    kept = (
        f"{logged.rows:,} {job.noun} in {logged.batches:,} committed batches are kept"
        if logged and logged.rows
        else "nothing was changed"
    )
    return DeployError(
        f"{job.name} failed: {said} (SQLSTATE {error.sqlstate}); {kept}",
        remedy=error.diag.message_hint or f"./bootstrap {job.task}",
        evidence=evidence | {"sqlstate": error.sqlstate},
    )
