"""Key sets over HTTP: from the stand-in, and from servers that do not behave."""

import socket
import threading
import time
from collections.abc import Iterator

import jwt
import pytest

from deploy.standin.signing import key_id, private_key
from functions.shared import jwks
from functions.shared.jwks import BODY_BYTES_MAX, FetchError, KeySet, fetch

pytestmark = pytest.mark.integration

PATH = "/auth/v1/.well-known/jwks.json"


class Rotating:
    """A signer that publishes one key after the other."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.pairs = "1"
        self.now = 0.0

    def fetch(self, url: str) -> bytes:
        return fetch(f"{self.url}?keys={self.pairs}")


def test_a_rotation_is_followed_while_tokens_of_both_keys_are_about(standin):
    signer = Rotating(standin.url + PATH)
    keys = KeySet(signer.url, fetch=signer.fetch, clock=lambda: signer.now)

    def verifies(number: int) -> bool:
        signed = jwt.encode({}, private_key(standin.facts, number), algorithm="ES256")
        key = keys.find(key_id(number), "ES256")
        return key is not None and jwt.decode(signed, key, algorithms=["ES256"]) == {}

    before = verifies(1)
    signer.pairs, signer.now = "1,2", 40.0
    both = [verifies(2), verifies(1)]
    signer.pairs, signer.now = "2", 700.0
    after = [verifies(2), verifies(1)]

    assert (before, both, after) == (True, [True, True], [True, False])


@pytest.fixture
def answering() -> Iterator:
    """Makes servers that answer one request with some bytes, or never."""
    sockets = []

    def serve(answer: bytes | None) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)

        def run() -> None:
            connection, _ = server.accept()
            sockets.append(connection)
            connection.recv(4_096)
            if answer is not None:
                connection.sendall(answer)
                connection.close()

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/keys"

    yield serve
    for each in sockets:
        each.close()


def response(status: str, body: bytes = b"", header: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{header}\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (response("404 Not Found"), "status 404"),
        (response("302 Found", header="location: /other\r\n"), "status 302"),
        (response("200 OK", b"x" * (BODY_BYTES_MAX + 1)), "more than 65536 bytes"),
        (b"garbage\r\n\r\n", "BadStatusLine"),
        (b"", "RemoteDisconnected"),
    ],
)
def test_a_server_that_does_not_behave_is_a_failed_fetch(answering, answer, reason):
    with pytest.raises(FetchError) as caught:
        fetch(answering(answer))

    assert caught.value.reason == reason


def test_a_server_that_is_silent_is_given_up_and_one_that_is_away_too(
    answering, monkeypatch
):
    monkeypatch.setattr(jwks, "TIMEOUT_S", 0.2)
    started = time.monotonic()

    with pytest.raises(FetchError) as silent:
        fetch(answering(None))
    with pytest.raises(FetchError) as away:
        fetch("http://127.0.0.1:9/keys")

    assert time.monotonic() - started < 1.5
    assert silent.value.reason == "TimeoutError"
    assert away.value.reason == "ConnectionRefusedError"
