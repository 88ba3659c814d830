"""Stands for Supabase in a replay: knows sizes, counts what it sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from deploy.cdn.simulation.edge import MISSING
from deploy.cdn.simulation.objects import THERE
from deploy.local.ports import LOOPBACK

MISSING_BODY = b'{"statusCode":"404","error":"not_found","message":"Object not found"}'
SCALE = 100
"""Each body has a hundredth of its bytes: a week of images is a gigabyte."""


class StandIn(ThreadingHTTPServer):
    """An origin that answers with what the replay says is next.

    Attributes:
        status: What it would say now.
        size: Bytes of the object that is asked for next.
        asked: Requests so far.
        sent: Bytes of the objects sent so far, unscaled.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.status, self.size = 200, 0
        self.asked = self.sent = 0

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://{LOOPBACK}:{self.server_port}"

    def next(self, status: int, size: int) -> None:
        """Say what is there when it is asked next."""
        self.status, self.size = status, size


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: StandIn

    def do_GET(self) -> None:
        """Answer as Supabase does: a missing object is a 400."""
        origin = self.server
        origin.asked += 1
        if origin.status in THERE:
            body = bytes(max(1, round(origin.size / SCALE)))
            origin.sent += len(body) * SCALE
            self._answer(200, body, "image/png")
        elif origin.status in MISSING:
            self._answer(400, MISSING_BODY, "application/json")
        else:
            self._answer(origin.status, b"", "text/plain")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        if status == 200:
            self.send_header("etag", f'"{len(body)}"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[StandIn]:
    """Serve on loopback until the block ends."""
    with StandIn() as server:
        thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
