"""A Supabase Storage that answers as badly as the real one, on loopback."""

import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PNG = bytes(range(256)) * 8
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
MISSING = {"statusCode": "404", "error": "not_found", "message": "Object not found"}

NOISE = {
    "age": "570",
    "set-cookie": "__cf_bm=x; path=/",
    "cf-cache-status": "HIT",
    "x-robots-tag": "none",
    "vary": "Accept-Encoding",
    "expires": "Thu, 01 Jan 1970 00:00:00 GMT",
}
REFUSALS = {"quota": 402, "busy": 429, "forbidden": 403, "broken": 500, "away": 503}


@dataclass
class Origin:
    """The running origin.

    Attributes:
        url: Its base URL.
        hits: How often each path was asked for.
        requests: What the Worker sent, the newest last.
    """

    url: str
    hits: Counter[str] = field(default_factory=Counter)
    requests: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def running() -> Iterator[Origin]:
    """Serve until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    origin = Origin(url=f"http://127.0.0.1:{server.server_port}")
    server.origin = origin  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield origin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        origin: Origin = self.server.origin  # type: ignore[attr-defined]
        origin.hits[self.path] += 1
        sent = {name.lower(): value for name, value in self.headers.items()}
        origin.requests.append({"path": self.path, "method": self.command, **sent})
        name = self.path.rpartition("/")[2].partition("?")[0]
        stem = name.partition(".")[0]
        if stem == "missing":
            self._json(400, MISSING)
        elif stem == "absent":
            self._json(404, MISSING)
        elif stem == "invalid":
            self._json(400, {"statusCode": "400", "error": "InvalidKey"})
        elif stem == "verbose":
            self._json(400, {**MISSING, "padding": "x" * 5_000})
        elif stem.startswith("once") and origin.hits[self.path] > 1:
            self._json(402, {"message": "exceed_egress_quota"})
        elif stem in REFUSALS:
            self._json(REFUSALS[stem], {"message": "exceed_egress_quota"})
        elif stem == "moved":
            self._answer(302, b"", {"location": f"{origin.url}/elsewhere/x.png"})
        elif name.lower().endswith(".svg"):
            self._svg()
        else:
            self._png()

    def do_HEAD(self) -> None:
        self.do_GET()

    def _png(self) -> None:
        headers = {"content-type": "image/png", "cache-control": "no-cache"}
        headers |= {"etag": '"p1"', "last-modified": "Tue, 15 Mar 2022 19:08:51 GMT"}
        self._answer(200, PNG, headers)

    def _svg(self) -> None:
        headers = {"content-type": "image/svg+xml", "cache-control": "max-age=3600"}
        headers |= {"etag": 'W/"s1"', "content-encoding": "gzip"}
        self._answer(200, gzip.compress(SVG), headers)

    def _json(self, status: int, body: object) -> None:
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        self._answer(status, json.dumps(body).encode(), headers)

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**NOISE, **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *given: Any) -> None:
        """Say nothing: pytest shows what the tests say."""
