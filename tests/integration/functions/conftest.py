"""A database with the app's tables, and one conversation in it."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
import uvicorn

from deploy.local.facts import LocalStack, new_stack
from deploy.local.ports import free_port
from deploy.standin.app import create
from tests.conftest import copied


@pytest.fixture(scope="session")
def services_template(migrated_template: str) -> str:
    """A database with everything that the services need; to be copied."""
    return migrated_template


@pytest.fixture
def app_url(cluster: Any, services_template: str) -> Iterator[str]:
    """A database of its own for one test."""
    with copied(cluster, services_template) as url:
        yield url


class NoUsers:
    """The stand-in's auth API is not used here."""


@dataclass(frozen=True)
class Standin:
    """Supabase and the language models, as the local stack has them."""

    url: str
    facts: LocalStack

    @property
    def service_role_key(self) -> str:
        return self.facts.service_role_key


@pytest.fixture(scope="session")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    """The stand-in on a free port, in a thread."""
    folder = tmp_path_factory.mktemp("standin")
    facts = new_stack(folder, home=folder)
    config = uvicorn.Config(
        create(lambda: facts, NoUsers()), port=0, log_level="warning"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Standin(f"http://127.0.0.1:{port}", facts)
    server.should_exit = True
    thread.join()


class RedisServer:
    """A Redis on a free loopback port that a test may kill and start again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            end = time.monotonic() + 10
            while not _answers(client):
                assert time.monotonic() < end, "redis-server does not answer"
                time.sleep(0.01)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)

    def signal(self, number: int) -> None:
        """Send it a signal: SIGSTOP hangs it, SIGCONT lets it go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once; what it knew is lost."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for all tests, which leave it running."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is missing: apt-get install redis-server")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server(shared_redis: RedisServer) -> RedisServer:
    """The Redis of all tests, emptied."""
    with shared_redis.client() as client:
        client.flushall()
    return shared_redis


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis for one test, which may kill it."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is missing: apt-get install redis-server")
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Waits until something holds, at most 10 s."""

    def wait(holds: Callable[[], object]) -> None:
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end, "waited for 10 s in vain"
            time.sleep(0.005)

    return wait


@dataclass
class App:
    """The app's database as a test sees it."""

    url: str = field(repr=False)  # holds the cluster's password
    connection: psycopg.Connection[tuple[Any, ...]]
    user: UUID = field(default_factory=uuid4)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(query, parameters).fetchall()

    def value(self, query: str, *parameters: object) -> Any:
        return self.rows(query, *parameters)[0][0]

    def conversation(self, mode: str = "chat", user: UUID | None = None) -> UUID:
        return self.value(
            "insert into public.conversations (id, user_id, title, mode)"
            " values (gen_random_uuid(), %s, 'test', %s) returning id",
            self.person(user or self.user),
            mode,
        )

    def person(self, user: UUID) -> UUID:
        if self.value("select to_regclass('auth.users') is not null"):
            self.connection.execute(
                "insert into auth.users (id, email) values (%s, %s)"
                " on conflict do nothing",
                (user, f"{user}@test.invalid"),
            )
        return user


@pytest.fixture
def app(app_url: str) -> Iterator[App]:
    with psycopg.connect(app_url, autocommit=True) as connection:
        yield App(app_url, connection)
