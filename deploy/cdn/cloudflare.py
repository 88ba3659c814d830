"""Asks Cloudflare's API for what a stack has there; reads only."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from deploy.cdn.compare import cache_rules, worker
from deploy.cdn.edge import Edge
from deploy.cdn.purging.calls import TooManyError
from deploy.checklist import Result
from deploy.drift.findings import GONE, Difference, differs
from deploy.errors import AuthError, DeployError
from infra.catalog.cdn_modes import CACHE_RULES
from infra.components.cloudflare_cdn import PHASE
from infra.edge.worker_settings import WORKER

BASE_URL = "https://api.cloudflare.com/client/v4"
TIMEOUT_S = 30.0
RATE_WAIT_S = 15.0
PART = "cdn"


class Api:
    """Cloudflare's API, with a token."""

    def __init__(self, token: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        self._client = httpx.Client(
            base_url=BASE_URL, headers=headers, timeout=TIMEOUT_S
        )

    def __enter__(self) -> "Api":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def result(self, path: str, **query: str) -> Any:
        """Give the ``result`` of an answer; ``None`` for what does not exist.

        Raises:
            AuthError: The token is refused.
            DeployError: Nobody answers, or what answers is no result.
        """
        answer = self._get(path, query)
        if answer is None:
            return None
        try:
            return answer.json()["result"]
        except (ValueError, KeyError, TypeError) as error:
            raise DeployError(
                f"Cloudflare: {path}: the answer has no result"
            ) from error

    def content(self, path: str) -> bytes | None:
        """Give an answer as it is; ``None`` for what does not exist.

        Raises:
            AuthError: The token is refused.
            DeployError: Nobody answers.
        """
        answer = self._get(path, {})
        return None if answer is None else answer.content

    def send(self, path: str, body: Mapping[str, object]) -> None:
        """Send a command.

        Raises:
            AuthError: The token is refused.
            TooManyError: Cloudflare takes no more at this moment.
            DeployError: Nobody answers, or it is refused.
        """
        with _answering():
            answer = self._client.post(path, json=dict(body))
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            told = answer.headers.get("retry-after", "")
            wait_s = float(told) if told.isdecimal() else RATE_WAIT_S
            raise TooManyError("Cloudflare takes no more purges now", wait_s=wait_s)
        _judge(path, answer)

    def _get(self, path: str, query: Mapping[str, str]) -> httpx.Response | None:
        with _answering():
            answer = self._client.get(path, params=query)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        _judge(path, answer)
        return answer


@contextmanager
def _answering() -> Iterator[None]:
    """Say that nobody answers."""
    try:
        yield
    except httpx.HTTPError as error:
        what = type(error).__name__
        raise DeployError(f"Cloudflare does not answer: {what}") from error


def _judge(path: str, answer: httpx.Response) -> None:
    """Raise what an answer refuses."""
    if answer.status_code in (401, 403):
        raise AuthError(
            f"Cloudflare refuses the API token for {path}: {_told(answer)}",
            remedy="./bootstrap cloud.rights shows the token's permissions",
        )
    if answer.is_error:
        told = f"{answer.status_code} {_told(answer)}"
        raise DeployError(f"Cloudflare: {path}: {told}")


def look(api: Api, edge: Edge, remedy: str) -> Iterator[Result]:
    """Yield what differs from what the renderers write."""
    parts = _rules(api, edge) if edge.config.mode == CACHE_RULES else _worker(api, edge)
    for name, resource, differences in parts:
        if differences:
            yield differs(PART, name, resource, differences, remedy)


Compared = Iterator[tuple[str, str, list[Difference]]]


def _rules(api: Api, edge: Edge) -> Compared:
    """Compare the zone's Cache Rules, and whether copies are shared between sites."""
    zone = f"/zones/{edge.accounts.cloudflare_zone_id}"
    found = api.result(f"{zone}/rulesets/phases/{PHASE}/entrypoint")
    rules = (found or {}).get("rules") or []
    for name, differences in cache_rules(edge.config.domain, rules):
        yield name, f"Cache Rule {name}", differences
    tiers = api.result(f"{zone}/argo/tiered_caching") or {}
    value = tiers.get("value")
    if value != "on":
        differs_in = [Difference(name="value", declared="on", found=value)]
        yield "tiered-cache", "Tiered Cache", differs_in


def _worker(api: Api, edge: Edge) -> Compared:
    """Compare the Worker's settings, its code, and the name that it serves."""
    account = f"/accounts/{edge.accounts.cloudflare_account_id}/workers"
    script = f"{account}/scripts/{edge.name}"
    settings = api.result(f"{script}/settings")
    if settings is None:
        yield "worker", f"Worker {edge.name}", [GONE]
    else:
        yield "worker", f"Worker {edge.name}", list(worker(edge.config, settings))
        code = api.content(f"{script}/content/v2") or b""
        if WORKER.read_bytes() not in code:
            other = [Difference(name="code", declared=WORKER.name, found="other code")]
            yield "code", f"code of Worker {edge.name}", other
    host = edge.config.domain
    found = api.result(f"{account}/domains", hostname=host) or []
    services = [each["service"] for each in found if each["hostname"] == host]
    if services != [edge.name]:
        service = services[0] if services else None
        led = [Difference(name="service", declared=edge.name, found=service)]
        yield "domain", f"custom domain {host}", led


def _told(answer: httpx.Response) -> str:
    """Give the codes and messages of a refusal."""
    try:
        errors = answer.json()["errors"]
        return "; ".join(f"{each['code']} {each['message']}" for each in errors)
    except (json.JSONDecodeError, KeyError, TypeError):
        return answer.reason_phrase
