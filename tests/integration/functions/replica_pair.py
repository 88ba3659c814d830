"""A PostgreSQL server with the app's tables, and a streaming replica of it."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from deploy.local import proctable, server
from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.cluster import PASSAGE, Cluster
from deploy.local.facts import new_stack
from deploy.local.installation import find_installation
from deploy.local.ports import free_port
from deploy.local.processes import end
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

QUICK = {"fsync": "off", "full_page_writes": "off", "wal_keep_size": "64MB"}


class Pair:
    """Both servers, running.

    Attributes:
        folder: Holds both.
        primary_url: Of role postgres.
        replica_url: The same on the replica.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=PASSAGE)
        self.folder = folder
        self._facts = new_stack(folder, home=folder)
        self.primary_url = self._facts.database_url
        self._primary = Cluster(
            folder=folder / "primary",
            port=self._facts.postgres_port,
            installation=replace(find_installation(), has_cron=False),
            account=unprivileged(CLUSTER_ACCOUNTS),
            log=folder / "primary.log",
            settings=QUICK,
        )
        self._replica = replace(
            self._primary,
            folder=folder / "replica",
            port=free_port(),
            log=folder / "replica.log",
        )
        self.replica_url = self._at_replica(self.primary_url)
        self._primary_process = server.launch(self._primary, self._facts.admin_url)
        server.wait_ready(self._primary, self._primary_process, self._facts.admin_url)
        server.prepare(self._primary, self._facts.admin_url, self.primary_url)
        apply(self.primary_url, discover(REPOSITORY / "migrations"), lambda _: None)
        self._copy()
        self.start_replica()

    def _at_replica(self, url: str) -> str:
        ports = f":{self._primary.port}/", f":{self._replica.port}/"
        return url.replace(*ports)

    def _copy(self) -> None:
        """Copy the primary as a standby that streams from it."""
        with (self._primary.folder / "pg_hba.conf").open("a") as hba:
            hba.write("host replication all 127.0.0.1/32 scram-sha-256\n")
        with psycopg.connect(self._facts.admin_url, autocommit=True) as conn:
            conn.execute("select pg_reload_conf()")
        self._replica.folder.mkdir(mode=PASSAGE)
        tool = self._primary.installation.bindir / "pg_basebackup"
        arguments = [
            "-D",
            str(self._replica.data),
            "-R",
            "-c",
            "fast",
            "-X",
            "stream",
            "--no-sync",
        ]
        parts = urlsplit(self._facts.admin_url)
        where = f"postgresql://{parts.username}@{parts.hostname}:{parts.port}/postgres"
        subprocess.run(
            [tool, *arguments, "-d", where],
            check=True,
            env={"PATH": "/usr/bin:/bin", "PGPASSWORD": parts.password or ""},
        )
        if account := self._replica.account:
            for path in [self._replica.data, *self._replica.data.rglob("*")]:
                os.chown(path, account.uid, account.gid, follow_symlinks=False)

    def start_replica(self) -> None:
        admin_url = self._at_replica(self._facts.admin_url)
        self._replica_process = server.launch(self._replica, admin_url)
        server.wait_ready(self._replica, self._replica_process, admin_url)

    def kill_replica(self) -> None:
        end(self._replica_process, *server.SHUTDOWN[1:])

    @contextmanager
    def replica_hangs(self) -> Iterator[None]:
        """Stop all its processes: it takes what is sent and does nothing."""
        pids = list(proctable.working_in(self._replica.data))
        try:
            for pid in pids:
                self._signal(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in pids:
                self._signal(pid, signal.SIGCONT)

    def _signal(self, pid: int, number: int) -> None:
        # One that was about to end when it was listed may have ended.
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def on_replica(self, statement: str) -> object:
        url = self._at_replica(self._facts.admin_url)
        with psycopg.connect(url, autocommit=True) as conn:
            row = conn.execute(statement).fetchone()
            return row and row[0]

    @contextmanager
    def paused_replay(self) -> Iterator[None]:
        """Keep the replica where it is."""
        self.on_replica("select pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.on_replica("select pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Commit something, and wait until the replica has it."""
        with psycopg.connect(self._facts.admin_url, autocommit=True) as conn:
            # A commit with a change, whose time the replica then knows.
            conn.execute("create table if not exists public.beat (at timestamptz)")
            conn.execute("insert into public.beat values (now())")
            row = conn.execute("select pg_current_wal_flush_lsn()::text").fetchone()
        patience = time.monotonic() + 10
        asked = f"select pg_last_wal_replay_lsn() >= '{row[0]}'::pg_lsn"
        while not self.on_replica(asked):
            assert time.monotonic() < patience, "the replica does not catch up"
            time.sleep(0.01)

    def stop(self) -> None:
        end(self._replica_process, *server.SHUTDOWN[1:])
        end(self._primary_process, *server.SHUTDOWN[1:])
