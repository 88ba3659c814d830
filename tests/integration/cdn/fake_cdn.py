"""A CDN of each mode, and Supabase behind it, on loopback; with one flaw if asked.

It keeps copies as each provider says that it does. A flaw is what such a CDN does when
it is set up wrongly: each check has to notice it.
"""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from deploy.cdn.probes import rule_of
from deploy.cdn.site import Site
from infra.catalog.cdn import CONTENT_SECURITY_POLICY

KEY = "service-role-key"
PURGE_KEY = "p" * 40
NOISE = {"x-robots-tag": "none", "cf-cache-status": "HIT", "sb-project-ref": "abc"}


class Fake:
    """One CDN and its origin.

    Attributes:
        mode: One of the modes of ``infra.cdn_config``.
        flaw: What it does wrongly; empty for nothing.
        objects: What the buckets hold, by ``bucket/name``.
        asked: How often the origin was asked for each path and query.
        purges: Bodies that the purge path took.
        busy: How many purges are refused before one is taken.
    """

    def __init__(self, mode: str, flaw: str = "") -> None:
        self.mode = mode
        self.flaw = flaw
        self.objects: dict[str, bytes] = {}
        self.smart: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.purges: list[dict[str, Any]] = []
        self.busy = 0
        self.copies: dict[str, dict[str, Any]] = {}
        self.cdn_url = self.origin_url = ""

    @property
    def site(self) -> Site:
        return Site(
            mode=self.mode,
            base_url=self.cdn_url,
            origin_url=self.origin_url,
            is_local=True,
        )

    @property
    def has_worker(self) -> bool:
        return self.mode.startswith("worker")

    def fill(self, path: str, key: str) -> dict[str, Any]:
        """Ask the origin, and keep the copy unless a flaw forbids."""
        self.asked[key] += 1
        name = unquote(path).removeprefix("/storage/v1/object/public/")
        body = self.smart.get(name, self.objects.get(name))
        copy = {
            "status": 200 if body is not None else 400,
            "body": body or b'{"statusCode":"404"}',
            "at": time.time(),
            "filled": datetime.now(UTC).isoformat(),
        }
        if self.flaw != "keeps nothing":
            self.copies[key] = copy
        return copy


class _Cdn(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else each answer waits 40 ms between its headers and its body.
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    @property
    def fake(self) -> Fake:
        return self.server.fake  # type: ignore[attr-defined,no-any-return]

    def do_GET(self) -> None:
        fake = self.fake
        url = urlsplit(self.path)
        path = unquote(url.path)
        rule = rule_of(path)
        is_odd = ".." in path or "//" in path or "%" in path
        if self.command not in ("GET", "HEAD") or rule is None or is_odd:
            status = {"POST": 405, "PUT": 405, "DELETE": 405}.get(self.command, 404)
            self._send(200 if fake.flaw == "open" else status, b"refused")
            return
        kept = [each for each in url.query.split("&") if each.startswith("v=")]
        query = f"?{kept[0]}" if kept else ""
        if fake.flaw == "ignores v":
            query = ""
        if fake.flaw == "keys on all" or fake.mode == "cache-rules":
            query = f"?{url.query}"
        canonical = url.path + (f"?{kept[0]}" if kept else "")
        redirects = fake.mode == "worker-cache" and fake.flaw != "keys on all"
        if redirects and canonical != self.path:
            self._send(301, b"", location=fake.cdn_url + canonical)
            return
        key = url.path + query
        hit = key in fake.copies
        copy = fake.copies.get(key) or fake.fill(url.path, key)
        self._answer(rule, copy, hit)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def _answer(self, rule: Any, copy: dict[str, Any], hit: bool) -> None:
        fake = self.fake
        status, body = copy["status"], copy["body"]
        headers = {"cache-control": f"public, max-age={rule.browser_ttl_s}"}
        if fake.flaw == "browser lifetime":
            headers["cache-control"] = "no-cache"
        headers["etag"] = f'"{hashlib.md5(body).hexdigest()}"'
        is_svg = rule.suffix == ".svg"
        headers["content-type"] = "image/svg+xml" if is_svg else "image/png"
        if fake.mode != "cache-rules" and fake.flaw != "runs scripts":
            headers["content-security-policy"] = CONTENT_SECURITY_POLICY
            headers["x-content-type-options"] = "nosniff"
        headers |= self._marks(rule, copy, hit)
        if fake.flaw == "leaks":
            headers |= NOISE
        if status != 200 and fake.has_worker:
            headers["x-cdn-origin-status"] = "400"
            headers["content-type"] = "text/plain"
            status = 200 if fake.flaw == "error as image" else 404
            if fake.flaw != "error kept":
                headers["cache-control"] = "public, max-age=0"
        if self.headers["if-none-match"] == headers["etag"] and status == 200:
            status, body = 304, b""
        if (asked := self.headers["range"]) and fake.flaw != "no ranges":
            end = int(asked.rpartition("-")[2]) + 1
            headers["content-range"] = f"bytes 0-{end - 1}/{len(body)}"
            status, body = 206, body[:end]
        if fake.flaw == "other bytes" and status == 200:
            body = b"other"
        self._send(status, body, **headers)

    def _marks(self, rule: Any, copy: dict[str, Any], hit: bool) -> dict[str, str]:
        fake = self.fake
        if fake.mode == "cloudfront":
            age = {"age": str(int(time.time() - copy["at"]))} if hit else {}
            said = "Hit" if hit else "Miss"
            return {"x-cache": f"{said} from cloudfront", **age}
        marks = {"cf-cache-status": "HIT" if hit else "MISS"}
        if fake.mode == "cache-rules":
            return marks | {"age": str(int(time.time() - copy["at"]))}
        if fake.flaw == "passes on":
            # What the naive Worker does: each answer is Supabase's, and says HIT.
            filled = datetime.now(UTC).isoformat()
            return {"cf-cache-status": "HIT", "x-cdn-filled-at": filled}
        name = "website-images" if fake.flaw == "other rule" else rule.name
        return marks | {"x-cdn-rule": name, "x-cdn-filled-at": copy["filled"]}

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 304:
            self.wfile.write(body)


class _Edge(_Cdn):
    """The same, with the Worker's purge path."""

    def do_POST(self) -> None:
        if self.path != "/.cdn/purge":
            self.do_GET()
            return
        fake = self.fake
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.headers["authorization"] != f"Bearer {PURGE_KEY}":
            self._send(401, b'{"error": "the purge key is needed"}')
        elif fake.busy:
            fake.busy -= 1
            self._send(502, b'{"error": "Cloudflare refused the purge"}')
        else:
            fake.purges.append(body)
            if fake.flaw != "forgets nothing":
                fake.copies.clear()
            self._send(200, b"{}")


class _Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Else each answer waits 40 ms between its headers and its body.
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        fake: Fake = self.server.fake  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["content-length"]))
        bucket = self.path.split("/")[4]
        allowed = self.headers["authorization"] == f"Bearer {KEY}"
        if not allowed or fake.flaw == f"no bucket {bucket}":
            said = {"statusCode": "404", "message": "Bucket not found"}
            self._send(400, json.dumps(said).encode())
            return
        fake.objects["/".join(self.path.split("/")[4:])] = body
        self._send(200, b"{}")

    def do_DELETE(self) -> None:
        fake: Fake = self.server.fake  # type: ignore[attr-defined]
        if fake.flaw == "keeps uploads":
            self._send(500, b"{}")
            return
        found = fake.objects.pop("/".join(self.path.split("/")[4:]), None)
        self._send(200 if found else 400, b'{"error":"not_found"}')

    def do_HEAD(self) -> None:
        fake: Fake = self.server.fake  # type: ignore[attr-defined]
        name = urlsplit(self.path).path.removeprefix("/storage/v1/object/public/")
        body = fake.objects.get(name)
        self.send_response(200 if body is not None else 400)
        if body is not None:
            self.send_header("etag", f'"{hashlib.md5(body).hexdigest()}"')
        self.send_header("content-length", "0")
        self.end_headers()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(mode: str, flaw: str = "") -> Iterator[Fake]:
    """Serve a CDN and its origin until the block ends."""
    fake = Fake(mode, flaw)
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), each) for each in (_Edge, _Origin)]
    threads = []
    for server in servers:
        server.fake = fake  # type: ignore[attr-defined]
        threads.append(threading.Thread(target=server.serve_forever, args=(0.01,)))
        threads[-1].start()
    urls = [f"http://127.0.0.1:{server.server_port}" for server in servers]
    fake.cdn_url, fake.origin_url = urls
    try:
        yield fake
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
