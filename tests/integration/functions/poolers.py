"""PgBouncer in front of a test's database, as Supabase's poolers stand before one."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import psycopg

from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.ports import free_port
from deploy.local.processes import Program, end, spawn, tail

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = {mode}
default_pool_size = {servers}
auth_type = scram-sha-256
auth_file = {folder}/users.txt
"""


@contextmanager
def pgbouncer(
    cluster: Any,
    url: str,
    short_folder: Path,
    *,
    mode: Literal["transaction", "session"],
    servers: int,
) -> Iterator[str]:
    """Give the URL of a database through a pooler of its own."""
    folder = short_folder / f"pgbouncer-{uuid4().hex[:8]}"
    folder.mkdir()
    port = free_port()
    password = psycopg.conninfo.conninfo_to_dict(url)["password"]
    (folder / "users.txt").write_text(f'"postgres" "{password}"\n')
    text = SETTINGS.format(
        server_port=cluster.port, port=port, mode=mode, servers=servers, folder=folder
    )
    (folder / "pgbouncer.ini").write_text(text)
    account = unprivileged(CLUSTER_ACCOUNTS)
    if account:
        os.chown(folder / "users.txt", account.uid, account.gid)
    (folder / "users.txt").chmod(0o600)
    process = spawn(
        Program(
            argv=[str(PGBOUNCER), str(folder / "pgbouncer.ini")],
            environment={},
            folder=folder,
            log=folder / "pgbouncer.log",
            account=account,
        )
    )
    pooled = url.replace(f":{cluster.port}/", f":{port}/")
    try:
        deadline = time.monotonic() + 10
        while not _answers(pooled):
            assert time.monotonic() < deadline, tail(folder / "pgbouncer.log")
            time.sleep(0.02)
        yield pooled
    finally:
        end(process, (signal.SIGTERM, 5.0))


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True
