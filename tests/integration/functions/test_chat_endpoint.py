"""The way of a chat message through the ASGI server: answers as the function URL's."""

import json
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import uuid4

import jwt
import pytest
from chat_service import turns
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm
from starlette.testclient import TestClient

from deploy.serving import of_local
from functions.asgi import create
from functions.chat_endpoint import ChatEndpoint
from functions.shared.queues import Queue

pytestmark = pytest.mark.integration

PATH = "/functions/v1/chat-send"


@pytest.fixture(scope="module")
def stack_variables(standin) -> dict[str, str]:
    return of_local(standin.facts)


@pytest.fixture
def serve(app, stack_variables) -> Iterator[Callable[..., TestClient]]:
    with ExitStack() as stack:

        def serve(**changes: str) -> TestClient:
            variables = stack_variables | {"DATABASE_URL": app.url} | changes
            server = create(variables, drains=False)
            return stack.enter_context(TestClient(server))

        yield serve


@pytest.fixture
def bearer(app, stack_variables) -> dict[str, str]:
    claims = {
        "sub": str(app.user),
        "aud": "authenticated",
        "iss": stack_variables["JWT_ISSUER"],
        "exp": 4_000_000_000,
    }
    made = jwt.encode(claims, stack_variables["JWT_SECRET"], algorithm="HS256")
    return {"authorization": f"Bearer {made}"}


def message(chat, **fields: object) -> dict[str, object]:
    return {
        "chat_id": str(chat),
        "text": "Tea?",
        "client_msg_id": str(uuid4()),
    } | fields


def test_a_message_and_its_retry_are_answered(app, serve, bearer):
    client, body = serve(), message(app.conversation())

    first = client.post(PATH, json=body, headers=bearer)
    again = client.post(PATH, json=body, headers=bearer)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"duplicate": True}
    assert first.headers["ratelimit-remaining"] == "59"
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["x-request-id"] != again.headers["x-request-id"]


def test_a_voice_batch_is_taken(app, serve, bearer):
    body = {"chat_id": str(app.conversation()), "messages": turns(2)}

    response = serve().post(PATH, json=body, headers=bearer)

    assert response.status_code == 201
    assert len(response.json()["messages"]) == 4


def test_each_refusal_is_a_problem_with_its_status(app, serve, bearer):
    client, chat = serve(CHAT_LIMIT_HITS="1"), app.conversation()

    def post(body: object, headers: dict[str, str] = bearer):
        return client.post(PATH, content=json.dumps(body), headers=headers)

    statuses = {
        "no token": post(message(chat), {}),
        "text": post(message(chat, text="")),
        "role": post(message(chat, role="assistant")),
        "foreign": post(message(app.conversation(user=uuid4()))),
        "large": post(message(chat, text="x" * 200_000)),
        "taken": post(message(chat)),
        "too many": post(message(chat)),
    }

    assert {name: each.status_code for name, each in statuses.items()} == {
        "no token": 401,
        "text": 400,
        "role": 403,
        "foreign": 404,
        "large": 413,
        "taken": 201,
        "too many": 429,
    }
    refused = statuses["too many"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert 3_590 <= int(refused.headers["retry-after"]) <= 3_600


def test_a_page_of_an_allowed_origin_may_read_the_answer(app, serve, bearer):
    client = serve(ALLOWED_ORIGINS="https://app.test")
    chat = app.conversation()

    origins = [
        client.post(PATH, json=message(chat), headers=bearer | {"origin": origin})
        for origin in ("https://app.test", "https://evil.test")
    ]

    assert [each.headers.get("access-control-allow-origin") for each in origins] == [
        "https://app.test",
        None,
    ]


def test_sixteen_clients_of_one_user_get_exactly_sixty_through(app, serve, bearer):
    client, chat = serve(), app.conversation()

    def post(_: int) -> int:
        return client.post(PATH, json=message(chat), headers=bearer).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = Counter(pool.map(post, range(96)))

    assert statuses == {201: 60, 429: 36}
    assert app.value("select count(*) from public.messages") == 60


def test_a_database_that_is_away_is_a_503(app, serve, bearer):
    client = serve(DATABASE_URL=f"{app.url}_gone")

    response = client.post(PATH, json=message(uuid4()), headers=bearer)
    health = client.get("/healthz")

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["title"] == "Database unavailable"
    assert (health.status_code, health.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("store", ["redis", "memory"])
def test_another_store_counts(app, serve, bearer, redis_server, store):
    client = serve(LIMIT_STORE=store, REDIS_URL=redis_server.url, CHAT_LIMIT_HITS="2")
    chat, first = app.conversation(), message(app.conversation())

    statuses = [
        client.post(PATH, json=body, headers=bearer).status_code
        for body in (
            first,
            first,
            message(uuid4()),
            message(chat),
            message(chat),
            first,
        )
    ]

    assert statuses == [201, 200, 404, 201, 429, 200]
    assert app.value("select count(*) from kiloscale.rate_limits") == 0


def test_a_token_signed_by_a_public_key_is_checked(app, serve, stack_variables):
    key = ec.generate_private_key(ec.SECP256R1())
    entry = json.loads(ECAlgorithm.to_jwk(key.public_key())) | {"kid": "one"}

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"keys": [entry]}).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Keys)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = serve(JWKS_URL=f"http://127.0.0.1:{server.server_port}/keys")
    claims = {
        "sub": str(app.user),
        "aud": "authenticated",
        "iss": stack_variables["JWT_ISSUER"],
        "exp": 4_000_000_000,
    }
    chat = app.conversation()

    statuses = [
        client.post(
            PATH,
            json=message(chat),
            headers={
                "authorization": "Bearer "
                + jwt.encode(claims, each, algorithm="ES256", headers={"kid": "one"})
            },
        ).status_code
        for each in (key, ec.generate_private_key(ec.SECP256R1()))
    ]

    server.shutdown()
    server.server_close()
    assert statuses == [201, 401]


def test_new_work_goes_to_its_queue_after_the_commit(
    app, serve, bearer, monkeypatch, wait_until
):
    sent: list[tuple[str, dict]] = []
    monkeypatch.setattr(
        Queue, "send", lambda self, body: sent.append((self._url, dict(body)))
    )
    client = serve(
        QUEUE_URL_LLM="http://127.0.0.1:9/llm",
        QUEUE_URL_EXTRACTION="http://127.0.0.1:9/extraction",
        EXTRACTION_POLICY="every-turn",
    )
    chat = app.conversation()
    body = message(chat)
    for _ in range(2):
        client.post(PATH, json=body, headers=bearer)
    client.post(PATH, json={"chat_id": str(chat), "messages": turns(1)}, headers=bearer)

    wait_until(lambda: len(sent) == 2)

    urls = [url.rpartition("/")[2] for url, _ in sent]
    assert urls == ["llm", "extraction"]
    assert app.rows("select id, payload ->> 'message_id' from kiloscale.outbox") == [
        (body["outbox_id"], str(body["message_id"])) for _, body in sent
    ]


def test_a_line_of_the_log_names_ids_and_no_text(app, serve, bearer, caplog):
    logger = logging.getLogger("functions")
    logger.addHandler(caplog.handler)
    try:
        response = serve().post(
            PATH, json=message(app.conversation(), text="A secret."), headers=bearer
        )
    finally:
        logger.removeHandler(caplog.handler)

    [line] = [one for one in caplog.records if one.message == "message accepted"]
    assert str(line.fields["message_id"]) == response.json()["message_id"]
    assert "secret" not in caplog.text


def test_the_endpoint_is_used(app, serve, bearer, monkeypatch):
    """Without this the tests above could be about the threads' way."""
    calls: list[object] = []
    call = ChatEndpoint.__call__

    async def counted(self, *arguments):
        calls.append(arguments)
        await call(self, *arguments)

    monkeypatch.setattr(ChatEndpoint, "__call__", counted)
    client = serve()

    client.post(PATH, json=message(app.conversation()), headers=bearer)
    client.options(PATH)

    assert len(calls) == 1
