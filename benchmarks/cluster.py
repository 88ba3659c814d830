"""A PostgreSQL of a benchmark's own: durable as in production, deleted afterwards."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg

from deploy.demo import filling
from deploy.demo.sizes import Sizes
from deploy.local import server
from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.cluster import PASSAGE, Cluster
from deploy.local.facts import LocalStack, new_stack
from deploy.local.installation import find_installation
from deploy.local.processes import end
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
}
"""What a small paid project has where it decides about speed: every commit waits for
the disk. WAL for minutes, so that no checkpoint falls into one side of a comparison."""

SIZES = Sizes(
    users=1_000,
    conversations=10_000,
    messages=100_000,
    memories=10_000,
    logs=0,
    webhook_events=0,
)
"""The plan's 1,000 users. Half of the messages of a demo: they are made in 10 s."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """A running server with the migrations applied.

    Attributes:
        url: Connection URI of role ``postgres``, which is not a superuser; secret.
        stack: Facts of a stand-in for Supabase that fit it.
        bindir: Where ``pgbench`` of the same version may be.
    """

    url: str = field(repr=False)
    stack: LocalStack
    bindir: Path

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """Open a connection in autocommit mode."""
        return psycopg.connect(self.url, autocommit=True)


@contextmanager
def running(
    progress: Callable[[str], None], sizes: Sizes | None = None
) -> Iterator[Database]:
    """Run a server with the app's tables, and delete it afterwards.

    Args:
        progress: Told what takes time.
        sizes: What the tables hold; ``None`` for nothing.

    Raises:
        DeployError: There is no PostgreSQL, or it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="ks-bench-"))
    folder.chmod(PASSAGE)  # the server runs as another account, who must pass
    facts = new_stack(folder, home=folder)
    # The jobs of pg_cron would run beside what is measured.
    installation = replace(find_installation(), has_cron=False)
    cluster = Cluster(
        folder=folder / "postgres",
        port=facts.postgres_port,
        installation=installation,
        account=unprivileged(CLUSTER_ACCOUNTS),
        log=folder / "postgres.log",
        settings=DURABLE,
    )
    progress("starting a PostgreSQL of its own")
    process = server.launch(cluster, facts.admin_url)
    try:
        server.wait_ready(cluster, process, facts.admin_url)
        server.prepare(cluster, facts.admin_url, facts.database_url)
        apply(facts.database_url, discover(REPOSITORY / "migrations"), lambda _: None)
        database = Database(
            url=facts.database_url, stack=facts, bindir=installation.bindir
        )
        if sizes:
            fill(database, sizes, progress)
        yield database
    finally:
        # Without a checkpoint: the data goes with it.
        end(process, *server.SHUTDOWN[1:])
        shutil.rmtree(folder, ignore_errors=True)


def fill(database: Database, sizes: Sizes, progress: Callable[[str], None]) -> None:
    """Fill the app's tables with what a demo has, and write it to the disk."""
    progress(f"filling it with {sizes.told()}")
    with database.connect() as connection:
        filling.fill(connection, sizes, progress)
    with psycopg.connect(database.stack.admin_url, autocommit=True) as connection:
        connection.execute("checkpoint")
