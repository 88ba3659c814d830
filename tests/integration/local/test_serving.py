"""The task serve: it says where it listens, serves, and ends when told to."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import jwt
import psycopg
import pytest

from deploy.local.facts import LocalStack, new_stack
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from deploy.serving import of_local

pytestmark = pytest.mark.integration

PROGRAM = "from deploy.serving import serve; raise SystemExit(serve({host!r}, {port}))"
USER = "0b9f0d0e-3a53-4a54-9d5a-0a6c1a6f6f10"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> LocalStack:
    folder = tmp_path_factory.mktemp("stack")
    return new_stack(folder, home=folder)


@pytest.fixture(scope="module")
def variables(stack) -> dict[str, str]:
    return of_local(stack)


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a server in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(
        environment: dict[str, str], host: str = "127.0.0.1", port: int = 0
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(host=host, port=port)],
            env={
                "PATH": os.environ["PATH"],
                "KILOSCALE_STATE": str(tmp_path / "none"),
                **environment,
            },
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def migrated(scratch_url) -> str:
    apply(scratch_url, discover(REPOSITORY / "migrations"), lambda _: None)
    return scratch_url


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


@pytest.mark.parametrize(
    ("host", "number"), [("127.0.0.1", signal.SIGINT), ("0.0.0.0", signal.SIGTERM)]
)
def test_it_serves_messages_until_it_is_told_to_end(
    migrated, variables, start, host, number
):
    with psycopg.connect(migrated, autocommit=True) as connection:
        connection.execute(
            "insert into auth.users (id, email) values (%s, 'a@test.invalid')", (USER,)
        )
        chat = connection.execute(
            "insert into public.conversations (user_id) values (%s) returning id",
            (USER,),
        ).fetchone()[0]
    claims = {
        "sub": USER,
        "aud": "authenticated",
        "iss": variables["JWT_ISSUER"],
        "exp": 4_000_000_000,
    }
    bearer = jwt.encode(claims, variables["JWT_SECRET"], algorithm="HS256")

    process = start(variables | {"DATABASE_URL": migrated}, host)
    url = process.stdout.readline().strip()
    base = url.replace("0.0.0.0", "127.0.0.1")
    with httpx.Client(base_url=base, trust_env=False) as client:
        health = client.get("/healthz")
        response = client.post(
            "/functions/v1/chat-send",
            json={"chat_id": str(chat), "text": "Hi.", "client_msg_id": str(uuid4())},
            headers={"authorization": f"Bearer {bearer}"},
        )
    process.send_signal(number)
    process.wait(timeout=30)
    rest = process.stdout.read()

    assert url.startswith(f"http://{host}:")
    assert (health.status_code, response.status_code) == (200, 201)
    assert process.returncode == 0
    # An address that others can reach is warned about.
    assert ("whoever reaches this machine" in rest) == (host == "0.0.0.0")


def test_a_database_without_the_migrations_is_refused(scratch_url, variables, start):
    code, errors = ended(start(variables | {"DATABASE_URL": scratch_url}))

    assert code == 2
    assert "its migrations are not applied" in errors
    assert "-> ./bootstrap deploy --only migrations" in errors
    password = scratch_url.split(":")[2].partition("@")[0]
    assert password not in errors


def test_a_port_that_is_taken_is_refused(variables, start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code, errors = ended(start(variables, port=port))

    assert code == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in errors
    assert "-> ./bootstrap serve --port 0" in errors


def test_an_environment_that_is_not_whole_is_refused(start):
    code, errors = ended(
        start({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"})
    )

    assert code == 2
    assert "JWT_SECRET is not set" in errors


def test_without_a_local_stack_it_says_how_to_get_one(start):
    code, errors = ended(start({}))

    assert code == 2
    assert "-> ./bootstrap local.start" in errors


def test_the_local_stacks_variables_are_those_of_its_functions(stack, variables):
    assert variables["DATABASE_URL"] == stack.database_url
    assert variables["JWT_ISSUER"] == f"{stack.supabase_url}/auth/v1"
    assert variables["CHAT_LIMIT_HITS"] == "60"
    # No queue has its work, and no metric leaves the machine.
    assert variables["QUEUE_URL_LLM"] == variables["METRICS_NAMESPACE"] == ""
