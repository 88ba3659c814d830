"""Parts that tests of several areas share. Each starts what it needs and ends it.

Fixtures:
    cluster: a PostgreSQL server with pg_cron, one for each test worker.
    scratch_url: a fresh database as role postgres, without pg_cron.
    migrated_template: a database with all migrations, to be copied.
    migrated_url: a fresh copy of it as role postgres.
    cron_url: the database of pg_cron as role postgres, emptied.
    emptied: empties that database, for tests that share it; gives the same URL.
    plain_url: a fresh database of a server without Supabase's roles.
    local_stack: the whole local stack, running, one for each test worker.
"""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from deploy.local import server, stack
from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.cluster import PASSAGE, Cluster
from deploy.local.facts import LocalStack, new_stack
from deploy.local.installation import find_installation
from deploy.local.processes import end
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

TEMPLATE = "scratch_template"
MIGRATED = "migrated_template"
QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}

_numbers = itertools.count(1)

SHARING = {
    "tests/unit/infra/test_cdn_": "edge",
    "tests/unit/infra/test_edge_": "edge",
    "tests/unit/infra/test_front_": "edge",
    "tests/unit/infra/": "infra",
}
"""Modules that run on one worker, by how their paths begin; the first that fits. Each
worker would import Cloudflare's provider (3 s) or cfn-lint (3 s) anew, and record the
program again."""


def shared(nodeid: str) -> str:
    """Name what runs on the worker of a test: its module, or several."""
    path = nodeid.partition("::")[0]
    return next(
        (name for start, name in SHARING.items() if path.startswith(start)), path
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave the sweep out unless somebody asks for it: it takes some minutes."""
    asked = f"{config.option.keyword} {config.option.markexpr}"
    if "sweep" in asked:
        return
    long = [item for item in items if item.get_closest_marker("sweep")]
    items[:] = [item for item in items if item not in long]
    config.hook.pytest_deselected(items=long)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send modules that share much to one worker, where each has files of its own."""
    from xdist.scheduler import LoadFileScheduling

    class BySharing(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return shared(nodeid)

    return BySharing(config, log) if config.getvalue("dist") == "loadfile" else None


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        admin_url: Connection URI of its superuser, to database postgres.
        database_url: The same as role postgres, which is not a superuser.
        port: Port on 127.0.0.1.
    """

    cluster: Cluster
    admin_url: str
    database_url: str

    @property
    def port(self) -> int:
        return self.cluster.port

    def url(self, database: str) -> str:
        """Connection URI of role postgres to one of the databases."""
        return f"{self.database_url.rpartition('/')[0]}/{database}"

    def admin(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the superuser, in autocommit mode."""
        url = f"{self.admin_url.rpartition('/')[0]}/{database}"
        return psycopg.connect(url, autocommit=True)


@pytest.fixture(scope="session")
def short_folder() -> Iterator[Path]:
    """A folder that other accounts may pass through, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="ks-"))
    folder.chmod(PASSAGE)
    yield folder
    shutil.rmtree(folder)


def _server(folder: Path) -> tuple[Cluster, LocalStack]:
    folder.mkdir(mode=PASSAGE)
    facts = new_stack(folder, home=folder)
    cluster = Cluster(
        folder=folder / "postgres",
        port=facts.postgres_port,
        installation=find_installation(),
        account=unprivileged(CLUSTER_ACCOUNTS),
        log=folder / "postgres.log",
        settings=QUICK,
    )
    return cluster, facts


@pytest.fixture(scope="session")
def cluster(short_folder: Path) -> Iterator[Server]:
    """A server with pg_cron, prepared as the local stack's is."""
    cluster, facts = _server(short_folder / "supabase")
    process = server.launch(cluster, facts.admin_url)
    try:
        server.wait_ready(cluster, process, facts.admin_url)
        server.prepare(cluster, facts.admin_url, facts.database_url)
        running = Server(cluster, facts.admin_url, facts.database_url)
        with running.admin() as conn:
            conn.execute(f"CREATE DATABASE {TEMPLATE}")
        with running.admin(TEMPLATE) as conn:
            server.prepare_database(conn, TEMPLATE)
        yield running
    finally:
        end(process, *server.SHUTDOWN)


@pytest.fixture
def scratch_url(cluster: Server) -> Iterator[str]:
    """A fresh database like a new Supabase project's, without pg_cron."""
    with copied(cluster, TEMPLATE) as url:
        yield url


@contextmanager
def copied(server: Server, template: str) -> Iterator[str]:
    """Copy a database for one test; give the copy's URL as role postgres."""
    name = f"scratch_{next(_numbers)}"
    with server.admin() as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER postgres")
    yield server.url(name)
    with server.admin() as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated_template(cluster: Server) -> str:
    """A database with all migrations, which take a second to apply; to be copied."""
    with cluster.admin() as conn:
        conn.execute(f"CREATE DATABASE {MIGRATED} TEMPLATE {TEMPLATE} OWNER postgres")
    apply(cluster.url(MIGRATED), discover(REPOSITORY / "migrations"), lambda _: None)
    return MIGRATED


@pytest.fixture
def migrated_url(cluster: Server, migrated_template: str) -> Iterator[str]:
    """A fresh database with all migrations, without pg_cron."""
    with copied(cluster, migrated_template) as url:
        yield url


@pytest.fixture
def cron_url(emptied: Callable[[], str]) -> str:
    """The database of pg_cron, without jobs, history, or anything of the app."""
    return emptied()


@pytest.fixture(scope="session")
def emptied(cluster: Server) -> Callable[[], str]:
    """Empties the database of pg_cron; gives its URL."""
    return lambda: _emptied(cluster)


def _emptied(cluster: Server) -> str:
    with cluster.admin() as conn:
        conn.execute("DELETE FROM cron.job")
        conn.execute("TRUNCATE cron.job_run_details")
        schemas = conn.execute(
            "SELECT nspname FROM pg_namespace"
            " WHERE nspname !~ '^pg_' AND nspname NOT IN ('cron', 'information_schema')"
        ).fetchall()
        for (name,) in schemas:
            conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
        conn.execute("CREATE SCHEMA public AUTHORIZATION pg_database_owner")
        conn.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        statements = cluster.cluster.installation.has_statements
        server.prepare_database(conn, "postgres", statements=statements)
    return cluster.database_url


@pytest.fixture(scope="session")
def plain_server(short_folder: Path) -> Iterator[Server]:
    """A server as an ordinary installation has it: no roles but the superuser."""
    cluster, facts = _server(short_folder / "plain")
    without_cron = replace(cluster.installation, has_cron=False)
    cluster = replace(cluster, installation=without_cron)
    process = server.launch(cluster, facts.admin_url)
    try:
        server.wait_ready(cluster, process, facts.admin_url)
        with psycopg.connect(facts.admin_url, autocommit=True) as conn:
            password = facts.database_url.split(":")[2].partition("@")[0]
            conn.execute(f"CREATE ROLE app LOGIN CREATEDB PASSWORD '{password}'")
        app_url = facts.database_url.replace("//postgres:", "//app:")
        yield Server(cluster, facts.admin_url, app_url)
    finally:
        end(process, *server.SHUTDOWN)


@pytest.fixture
def plain_url(plain_server: Server) -> Iterator[str]:
    """A fresh database on a server without anon, authenticated and service_role.

    Its owner is role ``app``, which is not a superuser.
    """
    name = f"plain_{next(_numbers)}"
    with plain_server.admin() as conn:
        conn.execute(f"CREATE DATABASE {name} OWNER app")
    yield plain_server.url(name)
    with plain_server.admin() as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def local_stack(short_folder: Path) -> Iterator[LocalStack]:
    """The whole local stack; a test must leave its parts running."""
    state = short_folder / "stack"
    said: list[str] = []
    try:
        yield stack.start(state, said.append).stack
    finally:
        stack.reset(state, said.append)
