"""After a rollback in the cloud, a service is asked through its own function URL."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.local.ports import free_port
from deploy.releases import proving
from infra.catalog.services import CHAT_SEND

pytestmark = pytest.mark.integration


class Refusing(BaseHTTPRequestHandler):
    """Answers 401, as a service does to a forged token."""

    status = 401

    def do_POST(self) -> None:
        self.server.seen.append((self.path, self.headers["authorization"]))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    made = HTTPServer(("127.0.0.1", 0), Refusing)
    made.seen = []
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def production(port: int) -> Deployment:
    """A stack whose functions have a URL on this machine."""

    def url(**_: str) -> dict[str, str]:
        return {"FunctionUrl": f"http://127.0.0.1:{port}/"}

    client = SimpleNamespace(get_function_url_config=url)
    return Deployment(
        stack="production", progress=lambda _: None, clients={"lambda": client}
    )


def proved(port: int) -> Result:
    """What is said of one service, of which nothing but its URL is asked."""
    (result,) = proving.prove(production(port), None, [CHAT_SEND])
    return result


def test_a_forged_token_is_sent_to_the_route_and_nothing_else_is(server):
    result = proved(server.server_port)

    assert result.status is Status.PASS
    assert result.title == "chat-send: a forged token gets 401"
    ((path, token),) = server.seen
    assert path == "/functions/v1/chat-send"
    assert token.startswith("Bearer ey")


def test_a_service_that_takes_a_forged_token_fails(server, monkeypatch):
    monkeypatch.setattr(Refusing, "status", 500)

    result = proved(server.server_port)

    assert result.status is Status.FAIL
    assert result.title.endswith("gets 500; a forged token: expected 401")


def test_a_url_that_does_not_answer_fails_and_is_named():
    port = free_port()

    result = proved(port)

    assert result.status is Status.FAIL
    assert result.title.startswith("chat-send does not answer: POST /functions/v1/")
    assert f"no answer from http://127.0.0.1:{port}" in result.title
