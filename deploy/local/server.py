"""The server of a private cluster: starting it, making it Supabase's, asking it."""

import signal
import time
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from deploy.errors import DeployError
from deploy.local import proctable
from deploy.local.cluster import Cluster, configure, environment, make
from deploy.local.facts import DATABASE
from deploy.local.processes import Process, Program, end, find, spawn, tail

SCRIPTS = Path(__file__).parent
POLL_S = 0.02
CONNECT_TIMEOUT_S = 3
START_PATIENCE_S = 60.0
"""Long enough for the recovery after a crash of a large local database."""

# SIGINT ends sessions and writes a checkpoint, SIGQUIT ends without one: "Shutting
# Down the Server" in PostgreSQL's documentation.
SHUTDOWN = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0))


def launch(cluster: Cluster, admin_url: str, *, mark: str = "") -> Process:
    """Make the cluster if need be and start its server; do not wait for it.

    Args:
        cluster: What to start.
        admin_url: Names the superuser's password.
        mark: ``NAME=value`` for the server's environment, to find it by.
    """
    make(cluster, urlsplit(admin_url).password or "")
    configure(cluster)
    end_working_in(cluster.data)
    name, _, value = mark.partition("=")
    return spawn(
        Program(
            argv=[
                str(cluster.installation.bindir / "postgres"),
                "-D",
                str(cluster.data),
                "-c",
                f"config_file={cluster.folder / 'postgresql.conf'}",
            ],
            environment=environment() | ({name: value} if name else {}),
            folder=cluster.folder,
            log=cluster.log,
            account=cluster.account,
        )
    )


def end_working_in(data: Path) -> int:
    """End what works in a data folder: no server can start beside it.

    A killed server leaves sessions behind; a lost record leaves a server.

    Returns:
        How many processes there were.
    """
    left = find(proctable.working_in(data))
    server = _server_pid(data)
    for process in sorted(left, key=lambda process: process.pid != server):
        # To a session SIGINT means only that it should cancel its statement.
        steps = SHUTDOWN if process.pid == server else SHUTDOWN[1:]
        end(process, *steps)
    if server and proctable.HAS_PROC and proctable.born(server) is None:
        # A killed server that nobody has waited for yet is a zombie. To the next
        # server it looks alive, and its lock file valid.
        (data / "postmaster.pid").unlink(missing_ok=True)
    return len(left)


def _server_pid(data: Path) -> int | None:
    try:
        lock = (data / "postmaster.pid").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    first = lock.partition("\n")[0]
    return int(first) if first.isdigit() else None


def wait_ready(cluster: Cluster, process: Process, admin_url: str) -> None:
    """Wait until the server takes connections.

    Raises:
        DeployError: It ended, refused the password or took too long.
    """
    deadline = time.monotonic() + START_PATIENCE_S
    while True:
        try:
            psycopg.connect(admin_url, connect_timeout=CONNECT_TIMEOUT_S).close()
        except psycopg.OperationalError as exc:
            problem = str(exc)
        else:
            return
        if "password authentication failed" in problem:
            raise DeployError(
                f"postgres: the cluster in {cluster.data} has other passwords than"
                " stack.json; its data can only be deleted",
                remedy="./bootstrap local.reset",
            )
        if not process.is_alive() or time.monotonic() > deadline:
            raise DeployError(
                f"postgres: did not start on port {cluster.port}; the end of"
                f" {cluster.log}:\n{tail(cluster.log)}",
                remedy="./bootstrap local.logs",
            )
        time.sleep(POLL_S)


def prepare(cluster: Cluster, admin_url: str, database_url: str) -> None:
    """Make roles, schemas and extensions that are not there: all of them or none.

    pg_cron may have been installed after the cluster was made.
    """
    with psycopg.connect(admin_url) as conn:
        if not _exists(conn, "SELECT 1 FROM pg_roles WHERE rolname = 'postgres'"):
            conn.execute(_script("roles.sql"))
            conn.execute(
                sql.SQL("ALTER ROLE postgres PASSWORD {}").format(
                    sql.Literal(urlsplit(database_url).password)
                )
            )
            has_statements = cluster.installation.has_statements
            prepare_database(conn, DATABASE, statements=has_statements)
        if cluster.installation.has_cron and not _exists(
            conn, "SELECT 1 FROM pg_extension WHERE extname = 'pg_cron'"
        ):
            conn.execute(_script("cron.sql"))


def _exists(conn: psycopg.Connection, query: LiteralString) -> bool:
    return conn.execute(query).fetchone() is not None


def prepare_database(
    conn: psycopg.Connection, name: str, *, statements: bool = False
) -> None:
    """Make the connected database what a new Supabase project's is.

    Args:
        conn: Connection of the superuser to the database.
        name: Its name.
        statements: Whether to make pg_stat_statements there.
    """
    conn.execute(
        sql.SQL("ALTER DATABASE {} OWNER TO postgres").format(sql.Identifier(name))
    )
    conn.execute(_script("database.sql"))
    if statements:
        conn.execute("CREATE EXTENSION pg_stat_statements SCHEMA extensions")


def _script(name: str) -> bytes:
    return (SCRIPTS / name).read_bytes()
