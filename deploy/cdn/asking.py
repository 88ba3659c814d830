"""Asks a CDN over HTTP as a browser does, with exactly the path that is given."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from deploy.cdn.site import Site
from deploy.errors import DeployError

TIMEOUT_S = 30.0
"""The Worker itself gives up on Supabase after 20 s."""

TOLD = (
    *("cache-control", "age", "cf-cache-status", "x-cache", "x-amz-cf-pop", "etag"),
    *("x-cdn-rule", "x-cdn-filled-at", "x-cdn-cache", "x-cdn-origin-cache"),
    *("x-cdn-origin-status", "location", "content-type", "content-length"),
    *("content-range", "content-security-policy", "x-content-type-options", "allow"),
)
"""Headers that go into evidence."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered; names of headers in lower case."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Give a header; empty if it is absent."""
        return self.headers.get(name, "")

    @property
    def age_s(self) -> int | None:
        """How long ago the copy was made, in seconds; ``None`` if nobody says."""
        text = self.header("age")
        return int(text) if text.isdecimal() else None

    @property
    def told(self) -> dict[str, object]:
        """Give request and answer as evidence; never a body."""
        known = {name: self.headers[name] for name in TOLD if name in self.headers}
        return {
            "request": f"{self.method} {self.path}",
            "status": self.status,
            "headers": known,
        }


class Asker:
    """Sends requests to one CDN."""

    def __init__(self, site: Site) -> None:
        self._site = site
        # A proxy of this machine could answer in the CDN's place from a cache.
        self._client = httpx.Client(
            timeout=TIMEOUT_S, trust_env=not site.is_local, verify=not site.is_local
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Send a request; ``_`` in a header's name is ``-``.

        Args:
            path: Sent as it is: the client would resolve ``..``.
            method: Of the request.
            headers: More headers.

        Raises:
            DeployError: The CDN does not answer.
        """
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            answer = self._client.request(
                method,
                self._site.base_url,
                headers=sent,
                extensions={"target": path.encode("ascii")},
            )
        except httpx.HTTPError as error:
            raise DeployError(
                f"{self._site.base_url} does not answer {method} {path}:"
                f" {type(error).__name__}",
                remedy="./bootstrap local.start"
                if self._site.is_local
                else f"curl -sI {self._site.base_url}",
            ) from error
        return Answer(
            method=method,
            path=path,
            status=answer.status_code,
            headers={name.lower(): value for name, value in answer.headers.items()},
            body=answer.content,
        )


def origin_requests(log: Path | None, path: str) -> int | None:
    """Count how often the origin was asked for a path; ``None`` if nobody counts."""
    if log is None:
        return None
    with log.open(encoding="utf-8", errors="replace") as file:
        return sum(f" {path} " in line or f" {path}?" in line for line in file)
