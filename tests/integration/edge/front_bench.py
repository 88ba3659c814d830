"""Runs the production front in workerd, between two servers that echo."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from edge_bench import Worker, serving

from deploy.local.edge.installing import modules
from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.components.api_front_worker import BINDING, FLAGS
from infra.edge.front_code import worker_code, worker_settings
from infra.front_routing import Front

SLOW_S = 1.5


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; the end of the path may ask for more."""

    protocol_version = "HTTP/1.1"
    # Else each answer waits 40 ms between its headers and its body.
    disable_nagle_algorithm = True
    side: ClassVar[str]
    asked: ClassVar[list[str]]

    def answer(self) -> None:
        """Answer any method."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.asked.append(f"{self.command} {self.path}")
        action = self.path.partition("?")[0].rpartition("/")[2]
        if action == "slow":
            time.sleep(SLOW_S)
        if action == "stream":
            self._stream()
            return
        self._echo(action, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _echo(self, action: str, body: bytes) -> None:
        text = json.dumps(
            {
                "side": self.side,
                "method": self.command,
                "path": self.path,
                "headers": {key.lower(): value for key, value in self.headers.items()},
                "body": body.decode(),
            }
        ).encode()
        headers = {"content-type": "application/json", "x-request-id": "r-1"}
        if action == "gzip":
            text = gzip.compress(text)
            headers["content-encoding"] = "gzip"
        if action == "moved":
            headers["location"] = "https://elsewhere.example.com/"
        statuses = {"moved": 307, "limited": 429}
        self.send_response(statuses.get(action, 200))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in (b"data: first\n\n", b"data: last\n\n"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
            time.sleep(SLOW_S if event == b"data: first\n\n" else 0)
        self.wfile.write(b"0\r\n\r\n")


@contextmanager
def echo(side: str) -> Iterator[tuple[str, list[str]]]:
    """Serve one side on loopback; give its address and what it was asked."""
    asked: list[str] = []
    handler = type("SideEcho", (Echo,), {"side": side, "asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def fronting(
    folder: Path, front: Front, ours: str, present: str, **changes: Any
) -> Iterator[Worker]:
    """Serve the front on a free port of loopback until the block ends.

    Args:
        folder: Where the module is written.
        front: Share and names.
        ours: Base URL of what stands for each function URL.
        present: Base URL of what stands for the present functions.
        changes: Settings that differ from what is deployed.
    """
    script = folder / "api_front.js"
    script.write_text(worker_code())
    origins = dict.fromkeys(front.ours, f"{ours}/")
    settings = json.loads(worker_settings(front, origins, present)) | changes
    given = {
        "modules": str(modules()),
        "worker": str(script),
        "compatibilityDate": WORKER_COMPATIBILITY_DATE,
        "compatibilityFlags": FLAGS,
        "bindings": {BINDING: settings},
    }
    with serving(given) as worker:
        yield worker
