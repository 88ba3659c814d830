"""Apply migrations: one transaction a file, or statement by statement."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import errors

from deploy.database import explained
from deploy.errors import DeployError
from deploy.migrations import builds, failures, history
from deploy.migrations.files import Migration
from deploy.migrations.history import Connection
from deploy.migrations.plan import Plan, plan
from deploy.migrations.session import migrating, reset
from deploy.migrations.statements import Statement
from deploy.migrations.watch import BlockerWatch

Progress = Callable[[str], None]

RETRIED = (errors.LockNotAvailable, errors.DeadlockDetected)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a run waits for locks.

    Attributes:
        lock_timeout_ms: How long a statement may queue for a lock. While it queues,
            everybody who comes after it queues too: one ALTER behind a reader of 5 s
            stalled 351 of 1,478 inserts for more than 1 s (measured).
        concurrent_lock_timeout_ms: The same for a concurrent build or drop, whose
            waits stop nobody.
        attempts: How often a file, or a statement without a transaction, is tried.
        pause_s: Mean pause between two attempts, in seconds; each is drawn between
            half and one and a half of it, so that two runs do not meet again.
        lock_wait_s: How long to wait for another run, in seconds.
    """

    lock_timeout_ms: int = 2_000
    concurrent_lock_timeout_ms: int = 300_000
    attempts: int = 10
    pause_s: float = 2.0
    lock_wait_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A migration that a run applied, or of which it built an index again.

    Attributes:
        version: Its version.
        name: Its name.
        ms: Time that it took, in milliseconds.
        statements: How many of its statements were run.
    """

    version: str
    name: str
    ms: float
    statements: int


@dataclass(kw_only=True)
class _Run:
    """One run and what it has done so far."""

    conn: Connection
    watch: BlockerWatch
    progress: Progress
    patience: Patience
    applied: list[Applied] = field(default_factory=list)


def apply(
    conn_url: str,
    migrations: Sequence[Migration],
    progress: Progress,
    *,
    patience: Patience | None = None,
) -> list[Applied]:
    """Apply what is pending.

    Args:
        conn_url: Connection URI of the role that owns the app's tables; a direct
            connection or a session pooler.
        migrations: From `discover`.
        progress: Called with one line at a time, also from a second thread.
        patience: How long to wait for locks; the defaults suit a busy app.

    Returns:
        What was applied, in order; empty if nothing was pending.

    Raises:
        UsageError: The URL leads to a transaction pooler.
        LockedError: Another run is at work.
        AuthError: The role may not read or write the history.
        HalfDoneError: A statement failed after something was committed; the next run
            goes on from there.
        DeployError: A file was edited after it was applied, or a statement failed and
            the database is as before.
    """
    patience = patience or Patience()
    with migrating(conn_url, progress, lock_wait_s=patience.lock_wait_s) as conn:
        todo = plan(conn, migrations)
        if todo.problems:
            raise failures.refused(todo)
        for note in todo.notes:
            progress(f"note: {note}")
        with explained(conn, "writing the history of migrations"):
            history.create_tables(conn)
            for migration in todo.adopted:
                history.record_checksum(conn, migration, None)
        if not todo.pending:
            return []
        with BlockerWatch(conn_url, conn.info.backend_pid, progress) as watch:
            run = _Run(conn=conn, watch=watch, progress=progress, patience=patience)
            for migration in todo.pending:
                _apply_one(run, migration, todo)
        return run.applied


def _apply_one(run: _Run, migration: Migration, todo: Plan) -> None:
    """Apply one file in the way that its header asks for."""
    started = time.perf_counter()
    reset(run.conn)
    done = todo.half_done.get(migration.version, 0)
    if migration.version in todo.rebuilds:
        count = len(todo.rebuilds[migration.version])
        run.progress(f"{migration.path.name}: {count} INVALID index(es) to build again")
        for statement in todo.rebuilds[migration.version]:
            _run_alone(run, migration, statement, kept=None)
    elif migration.in_transaction:
        count = len(migration.statements)
        run.progress(f"{migration.path.name}: {count} statements in one transaction")
        _run_together(run, migration, started)
    else:
        count = len(migration.statements) - done
        start = f", from statement {done + 1} on" if done else ""
        run.progress(f"{migration.path.name}: {count} statements one by one{start}")
        _run_each(run, migration, done, started)
    ms = (time.perf_counter() - started) * 1000
    run.applied.append(
        Applied(version=migration.version, name=migration.name, ms=ms, statements=count)
    )


def _run_together(run: _Run, migration: Migration, started: float) -> None:
    """Run a whole file and its history row in one transaction."""
    statement = migration.statements[0]

    def body() -> None:
        nonlocal statement
        with run.conn.transaction():
            _set_lock_timeout(run, run.patience.lock_timeout_ms)
            for statement in migration.statements:
                run.conn.execute(statement.text.encode())
            ms = (time.perf_counter() - started) * 1000
            history.record(run.conn, migration, ms)

    _with_patience(run, migration, body, lambda: statement, kept=0)


def _run_each(run: _Run, migration: Migration, done: int, started: float) -> None:
    """Run a file statement by statement, remembering how far it came."""
    for number, statement in enumerate(migration.statements[done:], start=done):
        try:
            _run_alone(run, migration, statement, kept=number)
        except DeployError as error:
            if not run.conn.closed:
                first_line = str(error).split("\n", 1)[0]
                history.record_progress(run.conn, migration, number, first_line)
            raise
        history.record_progress(run.conn, migration, number + 1)
    ms = (time.perf_counter() - started) * 1000
    with run.conn.transaction():
        history.record(run.conn, migration, ms)


def _run_alone(
    run: _Run, migration: Migration, statement: Statement, *, kept: int | None
) -> None:
    """Run one statement without a transaction; check the index that it builds."""

    def body() -> None:
        patience = run.patience
        if statement.needs_no_transaction:
            _set_lock_timeout(run, patience.concurrent_lock_timeout_ms)
        else:
            _set_lock_timeout(run, patience.lock_timeout_ms)
        if statement.index:
            builds.clear_way(run.conn, statement.index, run.progress)
        run.conn.execute(statement.text.encode())

    try:
        _with_patience(run, migration, body, lambda: statement, kept=kept)
    finally:
        if statement.index and not run.conn.closed:
            builds.drop_leftover(run.conn, statement.index, run.progress)
    if statement.index:
        builds.require_index(run.conn, statement.index)


def _with_patience(
    run: _Run,
    migration: Migration,
    body: Callable[[], None],
    current: Callable[[], Statement],
    *,
    kept: int | None,
) -> None:
    """Try a piece of work until it gets its locks, a bounded number of times."""
    committed = bool(run.applied)
    for attempt in range(1, run.patience.attempts + 1):
        run.watch.forget()
        try:
            return body()
        except RETRIED as error:
            if attempt == run.patience.attempts:
                raise failures.blocked(
                    migration,
                    current(),
                    run.watch.last,
                    attempts=attempt,
                    kept=kept,
                    committed=committed,
                ) from error
            pause_s = run.patience.pause_s * random.uniform(0.5, 1.5)  # noqa: S311
            who = "; ".join(map(str, run.watch.last)) or "a session already gone"
            run.progress(
                f"{migration.path.name}:{current().line}: attempt {attempt} of"
                f" {run.patience.attempts} got no lock, blocked by {who}; again in"
                f" {pause_s:.1f} s"
            )
            time.sleep(pause_s)
        except psycopg.Error as error:
            raise failures.failed(
                migration, current(), error, kept=kept, committed=committed
            ) from error
    return None


def _set_lock_timeout(run: _Run, timeout_ms: int) -> None:
    run.conn.execute("select set_config('lock_timeout', %s, false)", [str(timeout_ms)])
