"""The look at the emulator, against a server that answers what the test says."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.emulator.live import Look
from deploy.errors import DeployError
from deploy.local.facts import new_stack


@pytest.fixture
def answering(tmp_path):
    """Start a server; give a look at it that is answered so."""
    servers = []

    def start(status: int, body: bytes) -> Look:
        seen = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append((self.path, dict(self.headers)))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815  # http.server's own names

            def log_message(self, *_: object) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        stack = new_stack(tmp_path, home=tmp_path).on_ports(emulator=port)
        look = Look(stack)
        look.seen = seen
        return look

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b'{"__type":"ResourceNotFoundException"}'),
        (400, b'{"message":"The specified queue does not exist."}'),
        (404, b"<Code>NoSuchEntity</Code>"),
    ],
)  # fmt: skip
def test_a_resource_that_is_gone_is_not_found(answering, status, body):
    assert answering(status, body).get("lambda", "/x").found is False


def test_another_refusal_is_an_error_with_what_was_said(answering):
    look = answering(403, b"InvalidClientTokenId")

    with pytest.raises(DeployError, match="answered 403: InvalidClientTokenId"):
        look.get("lambda", "/2015-03-31/functions/f")


def test_a_request_names_service_and_region_in_its_signature(answering):
    look = answering(200, b"{}")

    look.get("lambda", "/f", Qualifier="live")

    path, headers = look.seen[0]
    assert path == "/f?Qualifier=live"
    assert "/eu-central-1/lambda/aws4_request" in headers["authorization"]
    assert "SignedHeaders=host;x-amz-date" in headers["authorization"]


def test_the_signature_is_the_one_that_botocore_makes(answering, monkeypatch):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    look = answering(200, b"{}")

    look.get("lambda", "/f", Qualifier="live")

    sent = look.seen[0][1]
    request = AWSRequest("GET", f"http://{sent['host']}/f?Qualifier=live")
    request.context["timestamp"] = sent["x-amz-date"]
    request.headers["X-Amz-Date"] = sent["x-amz-date"]
    stack = look._stack
    auth = SigV4Auth(
        Credentials(stack.access_key_id, stack.secret_access_key),
        "lambda",
        "eu-central-1",
    )
    canonical = auth.canonical_request(request)
    expected = auth.signature(auth.string_to_sign(request, canonical), request)
    assert sent["authorization"].endswith(f"Signature={expected}")


def test_an_emulator_that_is_not_there_is_named_with_the_remedy(tmp_path):
    look = Look(new_stack(tmp_path, home=tmp_path))

    with pytest.raises(DeployError, match="does not answer") as error:
        look.get("lambda", "/x")

    assert error.value.remedy == "./bootstrap local.start"
