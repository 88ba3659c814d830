"""The ASGI server: the services' routes over HTTP, and a thread that drains."""

from uuid import uuid4

import httpx
import jwt
import pytest
from starlette.testclient import TestClient

from functions.asgi import create

pytestmark = pytest.mark.integration

SECRET = "a-secret-of-the-tests-that-is-long-enough"


@pytest.fixture
def client(app, standin):
    variables = {
        "DATABASE_URL": app.url,
        "JWT_SECRET": SECRET,
        "INTERNAL_API_KEY": "internal-key",
        "ALLOWED_ORIGINS": "https://app.test",
        "CHAT_LIMIT_HITS": "60",
        "CHAT_LIMIT_WINDOW_S": "3600",
        "LIMIT_STORE": "postgres",
        "EXTRACTION_POLICY": "sampled",
        "LLM_PRICES": '{"*": [1, 2]}',
        "LLM_DAY_BUDGET_MICROUSD": "1000000",
        "EXTRACTION_LIMIT_HITS": "100",
        "EXTRACTION_LIMIT_WINDOW_S": "86400",
        "SUPABASE_URL": standin.url,
        "SUPABASE_SERVICE_KEY": standin.service_role_key,
        "GEMINI_API_KEY": "key",
        "GEMINI_BASE_URL": f"{standin.url}/llm/gemini",
        "OPENAI_API_KEY": "key",
        "OPENAI_BASE_URL": f"{standin.url}/llm/v1",
        "CACHE_CONVERSATION_S": "300",
        "CACHE_SUBSCRIPTION_S": "600",
        "CACHE_USAGE_S": "60",
        "CACHE_LLM_CONFIG_S": "600",
        "CACHE_ABSENT_S": "60",
        "API_LIMIT_HITS": "1000",
        "API_LIMIT_WINDOW_S": "3600",
        "STACK": "test",
        "DATABASE_BYTES_LIMIT": "8000000000",
        "DATABASE_BYTES_ALERT_AT": "6000000000",
        "INVOCATIONS_MONTH_LIMIT": "1000000",
        "INVOCATIONS_MONTH_ALERT_AT": "750000",
        "REALTIME_CONNECTIONS_LIMIT": "500",
        "REALTIME_CONNECTIONS_ALERT_AT": "400",
    }
    with TestClient(create(variables)) as client:
        yield client


def token(user) -> str:
    claims = {"sub": str(user), "aud": "authenticated", "exp": 4_000_000_000}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def send(client, app, chat, text="Tea?", **headers):
    headers |= {"authorization": f"Bearer {token(app.user)}"}
    body = {"chat_id": str(chat), "text": text, "client_msg_id": str(uuid4())}
    return client.post("/functions/v1/chat-send", json=body, headers=headers)


def test_a_message_is_answered_once_and_announced(client, app, standin, wait_until):
    chat = app.conversation()

    response = send(client, app, chat)

    assert response.status_code == 201
    wait_until(lambda: app.value("select count(*) from kiloscale.outbox") == 0)
    assert app.rows("select role, text from public.messages order by created_at") == [
        ("user", "Tea?"),
        ("assistant", "You said: Tea?"),
    ]
    url = f"{standin.url}/realtime/v1/_sent?topic=user-realtime:{app.user}"
    [event] = httpx.get(url, trust_env=False).json()["messages"]
    assert event["payload"]["chat_id"] == str(chat)


def test_many_messages_are_answered_once_each(client, app, wait_until):
    chat = app.conversation()

    statuses = [send(client, app, chat, f"message {n}").status_code for n in range(20)]

    wait_until(lambda: app.value("select count(*) from kiloscale.outbox") == 0)
    assert statuses == [201] * 20
    assert app.rows(
        "select role, count(*), count(distinct text) from public.messages"
        " where chat_id = %s group by role order by role",
        chat,
    ) == [("assistant", 20, 20), ("user", 20, 20)]


def test_the_server_answers_like_the_function_url(client, app):
    preflight = client.options(
        "/functions/v1/chat-send", headers={"origin": "https://app.test"}
    )
    wrong_method = client.get("/functions/v1/chat-send")
    too_large = client.post("/functions/v1/chat-send", content=b"x" * 200_000)
    health = client.get(
        "/functions/v1/health-check", headers={"authorization": "Bearer internal-key"}
    )

    assert preflight.headers["access-control-allow-origin"] == "https://app.test"
    assert (wrong_method.status_code, wrong_method.headers["allow"]) == (
        405,
        "POST, OPTIONS",
    )
    assert too_large.status_code == 401
    assert send(client, app, uuid4(), "x" * 200_000).status_code == 413
    assert health.json()["metrics"]["database_bytes"]["value"] > 0


def test_a_conversation_is_read_for_memories_by_the_server_itself(
    client, app, wait_until
):
    chat = app.conversation()
    send(client, app, chat, "I keep bees on the roof.")
    wait_until(lambda: app.value("select count(*) from kiloscale.outbox") == 0)
    app.connection.execute(
        "insert into kiloscale.outbox (topic, key, payload, ready_at)"
        " select 'extraction', chat_id::text, jsonb_build_object('message_id', id),"
        " now() - '1 min'::interval from public.messages where role = 'assistant'"
    )

    wait_until(lambda: app.value("select count(*) from kiloscale.outbox") == 0)

    assert app.rows("select memory_text from public.user_memory") == [
        ("Said: I keep bees on the roof.",)
    ]
