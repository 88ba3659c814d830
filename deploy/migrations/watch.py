"""Who makes a statement wait: seen from a second connection while it runs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg
from psycopg.rows import class_row

from deploy.database import connect
from deploy.errors import DeployError

POLL_S = 0.25
REPEAT_S = 5.0
"""How often a wait that goes on is reported again, in seconds."""

QUERY_CHARS = 80

BLOCKERS = """
select a.pid, coalesce(a.usename, '') as role,
       coalesce(a.application_name, '') as application,
       coalesce(a.state, 'unknown') as state,
       coalesce(extract(epoch from clock_timestamp() - a.xact_start), 0)::float
           as open_s,
       coalesce(regexp_replace(a.query, '\\s+', ' ', 'g'), '') as query
  from unnest(pg_blocking_pids(%s)) as blocking (pid)
  join pg_stat_activity a using (pid)
"""


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """A session that holds, or waits in front for, a lock that we need.

    Attributes:
        pid: Its backend.
        role: Its role.
        application: Its ``application_name``.
        state: ``active``, ``idle in transaction`` or the like.
        open_s: How long its transaction has been open, in seconds.
        query: Its last statement; empty where we may not see it.
    """

    pid: int
    role: str
    application: str
    state: str
    open_s: float
    query: str

    def __str__(self) -> str:
        """Describe the session in one line."""
        name = f" {self.application!r}" if self.application else ""
        query = f": {self.query[:QUERY_CHARS]}" if self.query else ""
        return (
            f"backend {self.pid} ({self.role}{name}, {self.state}, transaction open"
            f" for {self.open_s:.0f} s){query}"
        )


class BlockerWatch:
    """Notices who blocks one backend, from entering to leaving.

    Attributes:
        last: The blockers that were seen last; empty if there were none.
    """

    def __init__(self, url: str, pid: int, progress: Callable[[str], None]) -> None:
        self.last: tuple[Blocker, ...] = ()
        self._url = url
        self._pid = pid
        self._progress = progress
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()

    def forget(self) -> None:
        """Drop what was seen, before another statement."""
        self.last = ()

    def _run(self) -> None:
        """Look again and again; without a second connection, look no more.

        A statement is never held up because nobody can be named for its wait.
        """
        try:
            with connect(self._url, application_name="kiloscale watch") as conn:
                self._look(conn)
        except (DeployError, psycopg.Error) as error:
            self._progress(f"cannot see who blocks: {error}")

    def _look(self, conn: psycopg.Connection[tuple[object, ...]]) -> None:
        waited_s = 0.0
        while not self._stop.wait(POLL_S):
            with conn.cursor(row_factory=class_row(Blocker)) as cursor:
                found = cursor.execute(BLOCKERS, [self._pid]).fetchall()
            if not found:
                waited_s = 0.0
                continue
            self.last = tuple(found)
            waited_s += POLL_S
            if waited_s % REPEAT_S < POLL_S:
                told = "; ".join(str(blocker) for blocker in found)
                self._progress(f"waiting for a lock, blocked by {told}")
