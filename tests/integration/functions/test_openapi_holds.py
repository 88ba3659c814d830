"""The functions behave as docs/openapi.json says, whatever is sent to them."""

import threading
import time
from collections.abc import Iterator
from uuid import UUID

import documented_api
import jwt
import psycopg
import pytest
import uvicorn

from functions.asgi import create

pytestmark = pytest.mark.integration

SECRET = "a-secret-of-the-tests-that-is-long-enough"
KEY = "internal-key-of-the-tests"
USER, CHAT, TOGETHER = (UUID(int=number) for number in (1, 2, 3))
EXAMPLES = 40


def bearer(path: str) -> str:
    """A user's token; for the health check, which is not for users, the key."""
    if path.endswith("health-check"):
        return KEY
    claims = {"sub": str(USER), "aud": "authenticated", "exp": 4_000_000_000}
    return jwt.encode(claims, SECRET, algorithm="HS256")


document = documented_api.load(documented_api.Caller(bearer, (CHAT, TOGETHER)))


@pytest.fixture(scope="module")
def base_url(cluster, services_template) -> Iterator[str]:
    """The ASGI server with all functions, on a loopback port."""
    name = "services_openapi"
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE {name} TEMPLATE {services_template} OWNER postgres"
        )
    with psycopg.connect(cluster.url(name), autocommit=True) as conn:
        fill(conn)
    variables = {
        "DATABASE_URL": cluster.url(name),
        "JWT_SECRET": SECRET,
        "INTERNAL_API_KEY": KEY,
        "ALLOWED_ORIGINS": "https://app.test",
        "CHAT_LIMIT_HITS": "1000000",
        "CHAT_LIMIT_WINDOW_S": "3600",
        "API_LIMIT_HITS": "1000000",
        "API_LIMIT_WINDOW_S": "3600",
        "LIMIT_STORE": "postgres",
        "EXTRACTION_POLICY": "sampled",
        "CACHE_CONVERSATION_S": "300",
        "CACHE_SUBSCRIPTION_S": "600",
        "CACHE_USAGE_S": "60",
        "CACHE_ABSENT_S": "60",
        "STACK": "test",
        "DATABASE_BYTES_LIMIT": "8000000000",
        "DATABASE_BYTES_ALERT_AT": "6000000000",
        "INVOCATIONS_MONTH_LIMIT": "1000000",
        "INVOCATIONS_MONTH_ALERT_AT": "750000",
        "REALTIME_CONNECTIONS_LIMIT": "500",
        "REALTIME_CONNECTIONS_ALERT_AT": "400",
    }
    config = uvicorn.Config(
        create(variables, drains=False), port=0, log_level="warning"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
    with cluster.admin() as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


def fill(conn: psycopg.Connection) -> None:
    """Make two conversations of the user, one of them with messages."""
    conn.execute(
        "insert into auth.users (id, email) values (%s, 'user@test.invalid')", (USER,)
    )
    for chat, mode in ((CHAT, "chat"), (TOGETHER, "together")):
        conn.execute(
            "insert into public.conversations (id, user_id, mode) values (%s, %s, %s)",
            (chat, USER, mode),
        )
    conn.execute(
        "insert into public.messages (chat_id, role, text)"
        " select %s, 'user', 'm' || n from generate_series(1, 150) n",
        (CHAT,),
    )


def documented(path: str, method: str):
    """The test of one operation.

    Each has a name of its own: pytest-xdist runs only one of several with the same id.
    """
    # A report takes no input but headers, and measures the whole database.
    examples = 3 if path.endswith("health-check") else EXAMPLES

    @document.include(path=path, method=method).parametrize()
    @documented_api.bounded(examples, covers=True)
    def answers_as_documented(case, base_url):
        case.call_and_validate(base_url=base_url)

    return answers_as_documented


test_a_message = documented("/functions/v1/chat-send", "POST")
test_a_message_from_a_page = documented("/functions/v1/chat-send", "OPTIONS")
test_a_page_of_history = documented("/functions/v1/chat-history", "GET")
test_history_from_a_page = documented("/functions/v1/chat-history", "OPTIONS")
test_a_report = documented("/functions/v1/health-check", "GET")
test_a_report_from_a_page = documented("/functions/v1/health-check", "OPTIONS")
