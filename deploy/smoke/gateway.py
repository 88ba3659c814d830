"""HTTP to the functions of a stack, through their function URLs."""

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


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where the functions of a stack are.

    Attributes:
        urls: Function URLs by name of the service.
        through: Whom to ask instead of the hosts of the URLs: the emulator, which
            tells the functions apart by the ``Host`` header.
        remedy: The command that shows what a function logged.
    """

    urls: Mapping[str, str]
    through: str | None = None
    remedy: str = "./bootstrap local.logs --part emulator"


def local(stack: LocalStack) -> Where:
    """Give the functions of the local stack.

    Raises:
        DeployError: They were never provisioned.
    """
    try:
        text = (stack.state / FUNCTION_URLS).read_text()
    except FileNotFoundError as error:
        raise DeployError(
            "no function URLs are recorded: the functions are not provisioned",
            remedy="./bootstrap deploy --only infrastructure",
        ) from error
    return Where(urls=json.loads(text), through=stack.emulator_url)


class Gateway:
    """Sends requests to function URLs.

    Attributes:
        remedy: The command that shows what a function logged.
    """

    def __init__(self, where: Where | LocalStack) -> None:
        self._where = where if isinstance(where, Where) else local(where)
        self.remedy = self._where.remedy
        # A cloud stack is reached through the proxy that the environment names.
        self._client = httpx.Client(
            timeout=TIMEOUT_S, trust_env=self._where.through is None
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
            DeployError: Nobody answered.
        """
        method, path = service.route or ("GET", "/")
        url = self._where.urls[service.name].rstrip("/")
        headers = {
            "host": urlsplit(url).netloc,
            "accept": accept,
            "content-type": "application/json",
        }
        if token:
            headers["authorization"] = f"Bearer {token}"
        started = time.perf_counter()
        try:
            got = self._client.request(
                method,
                f"{self._where.through or url}{path}",
                params=query,
                content=body,
                headers=headers,
            )
        except httpx.HTTPError as error:
            raise DeployError(
                f"{method} {path}: no answer from"
                f" {'the emulator' if self._where.through else url} ({error!r})",
                remedy="./bootstrap local.status"
                if self._where.through
                else self._where.remedy,
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
