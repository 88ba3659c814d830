"""HTTP load by wrk, a load generator in C, and what it was answered."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psycopg

from benchmarks.cluster import Database
from deploy.errors import DeployError
from deploy.smoke.person import sign

SCRIPT = Path(__file__).with_name("load.lua")
INSTALL = "sudo apt-get install -y wrk"
SENDERS = 1_000
IDLE_S = 0.5

# Users of the plan's data with their newest conversation: the model answers in each.
SENDERS_QUERY = """
select distinct on (c.user_id) c.user_id, c.id from public.conversations c
 where c.mode <> 'together'
 order by c.user_id, c.updated_at desc
 limit %s
"""
USERS_MESSAGES = "select count(*) from public.messages where role = 'user'"
STORED = """
select count(*), count(distinct m.id), count(distinct m.client_msg_id)
  from public.messages m where m.id = any (%s::uuid[])
"""


class Summary(msgspec.Struct, frozen=True):
    """What wrk saw.

    Attributes:
        requests: Answers.
        seconds: How long it ran.
        p50_ms, p95_ms, p99_ms: Percentiles of the answers' latency, in milliseconds.
        refused: Answers that were not 2xx.
        broken: Connections refused or lost, and requests timed out.
    """

    requests: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


@dataclass(frozen=True, kw_only=True)
class Load:
    """Sends messages of the plan's users.

    Attributes:
        folder: Of its files; holds the tokens.
        database: Where what is accepted must be.
    """

    folder: Path
    database: Database

    def run(
        self, url: str, *, connections: int, seconds: float, seed: int, rate: int = 0
    ) -> Summary:
        """Send, and compare what was accepted with what is stored.

        Args:
            url: Where to send.
            connections: Requests at a time.
            seconds: How long.
            seed: Draws the ids of the messages.
            rate: Messages a second; 0 for as many as are answered.

        Raises:
            DeployError: A message was refused, or is not stored exactly once.
        """
        said = subprocess.run(
            [
                *(wrk(), "-t", "1", "-c", str(connections), "-d", f"{seconds:.0f}s"),
                *("--timeout", "20s", "-s", str(SCRIPT), url, "--"),
                *(str(self.folder), str(seed), str(rate)),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        _, found, summary = said.stdout.partition("SUMMARY ")
        if not found:
            raise DeployError(f"wrk gave no summary: {said.stdout}{said.stderr}")
        seen = msgspec.json.decode(summary, type=Summary)
        self._check(seen)
        return seen

    def wait_idle(self) -> None:
        """Wait until nothing was accepted for a moment."""
        with self.database.connect() as connection:
            before, now = -1, _newest(connection)
            while now != before:
                time.sleep(IDLE_S)
                before, now = now, _newest(connection)

    def _check(self, seen: Summary) -> None:
        """Refuse a measurement in which a message was lost, doubled or refused."""
        told = [
            each
            for path in self.folder.glob("accepted.*")
            for each in path.read_text().split()
        ]
        with self.database.connect() as connection:
            row = connection.execute(STORED, (told,)).fetchone()
        # The file may have a few more than the summary: those answered at the end.
        whole = len(told) >= seen.requests and row == (len(told),) * 3
        if seen.refused or seen.broken or not whole:
            raise DeployError(
                f"of {seen.requests} messages {seen.refused} were refused,"
                f" {seen.broken} requests broke off; {len(told)} were accepted,"
                f" stored are {row} (rows, ids, client's ids)"
            )


def _newest(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """Count the messages of users."""
    row = connection.execute(USERS_MESSAGES).fetchone()
    return int(str(row[0])) if row else 0


@contextmanager
def sending(database: Database) -> Iterator[Load]:
    """Make the tokens of the senders."""
    with tempfile.TemporaryDirectory(prefix="ks-load-") as name:
        with database.connect() as connection:
            rows = connection.execute(SENDERS_QUERY, (SENDERS,)).fetchall()
        lines = [
            f"{sign(user, database.stack.jwt_secret, '')}\t{chat}\n"  # type: ignore[arg-type]
            for user, chat in rows
        ]
        (Path(name) / "senders").write_text("".join(lines))
        yield Load(folder=Path(name), database=database)


def wrk() -> str:
    """Find wrk.

    Raises:
        DeployError: It is not installed.
    """
    found = shutil.which("wrk")
    if found is None:
        raise DeployError("wrk is not installed: it makes the load", remedy=INSTALL)
    return found
