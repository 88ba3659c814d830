"""HTTP to a function of the local stack, through its function URL on the emulator."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from deploy.errors import DeployError
from deploy.local.facts import LocalStack
from infra.catalog.services import Service

FUNCTION_URLS = "functions.json"
TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a function answered.

    Attributes:
        status: HTTP status code.
        headers: Headers, names in lower case.
        body: Decoded JSON, or the text.
        ms: Time of the request, in milliseconds.
    """

    status: int
    headers: dict[str, str]
    body: Any
    ms: float

    def field(self, name: str) -> Any:
        """Give a field of a JSON object; ``None`` where the body is something else."""
        return self.body.get(name) if isinstance(self.body, dict) else None

    def evidence(self) -> dict[str, object]:
        """Give what a receipt may hold of it."""
        kept = ("ratelimit-limit", "ratelimit-remaining", "retry-after", "x-request-id")
        return {
            "status": self.status,
            "headers": {
                name: self.headers[name] for name in kept if name in self.headers
            },
            "body": self.body,
            "ms": round(self.ms, 1),
        }


class Gateway:
    """Sends requests to function URLs; they resolve by host name on the emulator."""

    def __init__(self, stack: LocalStack) -> None:
        try:
            text = (stack.state / FUNCTION_URLS).read_text()
        except FileNotFoundError as error:
            raise DeployError(
                "no function URLs are recorded: the functions are not provisioned",
                remedy="./bootstrap deploy --only infrastructure",
            ) from error
        self._urls: dict[str, str] = json.loads(text)
        self._client = httpx.Client(
            base_url=stack.emulator_url, timeout=TIMEOUT_S, trust_env=False
        )

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def request(
        self,
        service: Service,
        *,
        token: str | None = None,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> Answer:
        """Send one request to the service's route.

        Args:
            service: A service with a route.
            token: Bearer token, or ``None`` for none.
            body: Body as it is sent; a service without one ignores it.
            query: Parameters of the URL.
            accept: What the client wants to read.

        Raises:
            DeployError: The emulator or the function did not answer.
        """
        method, path = service.route or ("GET", "/")
        headers = {
            "host": urlsplit(self._urls[service.name]).netloc,
            "accept": accept,
            "content-type": "application/json",
        }
        if token:
            headers["authorization"] = f"Bearer {token}"
        started = time.perf_counter()
        try:
            got = self._client.request(
                method, path, params=query, content=body, headers=headers
            )
        except httpx.HTTPError as error:
            raise DeployError(
                f"{method} {path}: no answer from the emulator ({error!r})",
                remedy="./bootstrap local.status",
            ) from error
        took = (time.perf_counter() - started) * 1000
        return Answer(
            status=got.status_code,
            headers={name.lower(): value for name, value in got.headers.items()},
            body=_decode(got),
            ms=took,
        )


def _decode(response: httpx.Response) -> Any:
    """Decode a JSON body; give the text of another one.

    Lambda calls a body JSON unless the function says otherwise, whatever it is.
    """
    if "json" in response.headers.get("content-type", ""):
        with suppress(ValueError):
            return response.json()
    return response.text[:2_000]
