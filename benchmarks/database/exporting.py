"""The analytics export of two million messages, beside a COPY of them alone."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from benchmarks.database.dataset import Data
from deploy.bench import Figure
from deploy.paths import REPOSITORY, STATE_VARIABLE

ROWS_S = 66_000
"""Two million messages in half a minute."""

PEAK_MB = 300
"""Of the whole process: a small runner of a CI has a gigabyte."""

COPY = """
copy (select id, chat_id, role, status, mode, user_id, message_number, created_at,
             octet_length(text) from public.messages) to stdout (format csv)
"""


def measure(progress: Callable[[str], None], data: Data) -> Iterator[Figure]:
    """Yield the figures. An export only reads: it needs no copy of the data."""
    progress("copying the messages alone")
    rows, alone_s = _alone(data.database.url)
    with tempfile.TemporaryDirectory(prefix="ks-export-") as name:
        progress("exporting the messages")
        first = _exported(data.database.url, Path(name))
        progress("exporting them again, unchanged")
        again = _exported(data.database.url, Path(name))
    yield Figure(
        id="database.export_rows_s",
        value=rows / first["seconds"],
        unit="rows/s",
        target=ROWS_S,
        baseline=rows / alone_s,
        at_least=True,
    )
    yield Figure(
        id="database.export_peak_mb", value=first["peak_mb"], unit="MB", target=PEAK_MB
    )
    yield Figure(
        id="database.export_unchanged_s",
        value=again["seconds"],
        unit="s",
        target=None,
        baseline=first["seconds"],
    )


def _alone(url: str) -> tuple[int, float]:
    """Copy the same columns to nowhere; give rows and seconds."""
    started = time.perf_counter()
    with (
        psycopg.connect(url) as connection,
        connection.cursor() as cursor,
        cursor.copy(COPY) as copied,
    ):
        rows = sum(1 for _ in copied)
    return rows, time.perf_counter() - started


def _exported(url: str, folder: Path) -> dict[str, float]:
    """Export in a process of its own, whose memory is that of the export."""
    variables = {
        "DATABASE_REPLICA_URL": url,
        STATE_VARIABLE: str(folder / "state"),
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(folder / "exported")],
        cwd=REPOSITORY,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _main(folder: str) -> int:
    """Export the messages into a folder; print the seconds and the peak of memory."""
    import resource

    from deploy.commands import Output
    from deploy.export import commands
    from deploy.export.choices import Choices

    started = time.perf_counter()
    choices = Choices(to=folder, tables="messages", from_replica=True)
    out = Output(as_json=True)
    code = commands.export("local", choices, out, dry_run=False, yes=False)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mb": peak_kb / 1024}))
    return code


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
