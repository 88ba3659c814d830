"""``edge.renderers_agree``: every renderer chooses the same rule and lifetimes.

The Worker in workerd and Varnish are run and asked; for Cache Rules and CloudFront,
whose engines run nowhere else, our own reading of what is rendered answers, and
Cloudflare's parser has to take each expression.
"""

import http.client
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.edge import origin, runtime, varnish
from benchmarks.edge.choices import (
    Choice,
    by_cache_rules,
    by_cloudfront,
    of_rule,
)
from benchmarks.edge.corpus import urls
from deploy.bench import Figure
from deploy.errors import DeployError
from infra.edge.worker_settings import WORKERS_CACHE

URLS_MIN = 500
TIMEOUT_S = 30
SHOWN_MAX = 12


@dataclass(frozen=True, kw_only=True)
class Differing:
    """A URL on which they do not agree, with what each chooses."""

    url: str
    choices: dict[str, Choice | None]


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the share of URLs on which all agree.

    Raises:
        DeployError: An expression does not parse, or a server does not run.
    """
    progress("parsing the expressions of Cache Rules")
    parse_expressions()
    every = urls()
    progress(f"asking for {len(every)} URLs")
    unlike = differing(choices(every))
    for each in unlike[:SHOWN_MAX]:
        told = ", ".join(f"{name} {found}" for name, found in each.choices.items())
        progress(f"{each.url[:120]}: {told}")
    yield Figure(
        id="edge.renderers_agree",
        value=(len(every) - len(unlike)) / len(every),
        unit="of all",
        target=1.0,
        at_least=True,
    )
    yield Figure(
        id="edge.renderers_urls",
        value=len(every),
        unit="URLs",
        target=URLS_MIN,
        at_least=True,
    )


def parse_expressions() -> None:
    """Have Cloudflare's own parser take each expression.

    Raises:
        DeployError: It refuses one.
    """
    from octorules_wirefilter import parse_expression

    from benchmarks.edge.choices import HOST
    from infra.edge import cache_rules

    for rule in cache_rules.render(HOST):
        found = parse_expression(rule.expression)
        if "error" in found:
            raise DeployError(f"{rule.ref}: {found['error']}")


Choices = dict[str, dict[str, Choice | None]]
"""What each renderer's CDN chooses, by URL and renderer."""


def choices(every: Sequence[str]) -> Choices:
    """Ask all of them for URLs."""
    found = read(every)
    with origin.serving() as port:
        behind = f"http://127.0.0.1:{port}"
        worker = runtime.production(behind, WORKERS_CACHE)
        with runtime.serving(worker) as running, _Asker(running.url) as asker:
            for url in every:
                found[url]["worker"] = by_worker(asker, url)
        with varnish.serving(port) as address, _Asker(address) as asker:
            for url in every:
                found[url]["varnish"] = by_varnish(asker, url)
    return found


def read(every: Sequence[str]) -> Choices:
    """Read what is rendered for those whose engines run nowhere else."""
    return {
        url: {
            "cache-rules": by_cache_rules(url.partition("?")[0]),
            "cloudfront": by_cloudfront(url.partition("?")[0]),
        }
        for url in every
    }


def differing(found: Choices) -> list[Differing]:
    """Give the URLs on which they do not agree."""
    return [
        Differing(url=url, choices=each)
        for url, each in found.items()
        if len(set(each.values())) > 1
    ]


class _Asker:
    """One connection that sends exactly the path that it is given."""

    def __init__(self, url: str) -> None:
        self.url = url
        host = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)

    def __enter__(self) -> "_Asker":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def ask(self, path: str) -> tuple[int, dict[str, str]]:
        """Give status and headers, their names in lower case."""
        self._connection.putrequest("GET", path)
        self._connection.endheaders()
        answer = self._connection.getresponse()
        answer.read()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}


def by_worker(asker: _Asker, url: str) -> Choice | None:
    """Ask the Worker, and follow it to its own spelling once."""
    status, headers = asker.ask(url)
    if status == 301:
        status, headers = asker.ask(headers["location"].removeprefix(asker.url))
    edge = headers.get("cloudflare-cdn-cache-control", "")
    return _chosen(status, headers, _max_age(edge))


def by_varnish(asker: _Asker, url: str) -> Choice | None:
    """Ask Varnish, which shows how long it is going to keep the copy."""
    status, headers = asker.ask(url)
    # What is left of it, a moment after the fill.
    left = float(headers.get("x-edge-ttl", "0"))
    declared = of_rule(headers.get("x-cdn-rule", ""))
    near = declared and 0 <= declared.edge_ttl_s - left < TIMEOUT_S * 10
    return _chosen(status, headers, declared.edge_ttl_s if declared and near else 0)


def _chosen(status: int, headers: dict[str, str], edge_ttl_s: int) -> Choice | None:
    """Read what an answer says.

    Raises:
        DeployError: It is neither an image nor a refusal.
    """
    if status == 404 and "x-cdn-rule" not in headers:
        return None
    if status != 200:
        raise DeployError(f"answered {status}, neither an image nor a refusal")
    browser = _max_age(headers.get("cache-control", ""))
    return Choice(headers.get("x-cdn-rule", ""), edge_ttl_s, browser)


def _max_age(text: str) -> int:
    """Read ``max-age``; -1 if it is absent."""
    found = [
        each.strip().removeprefix("max-age=")
        for each in text.split(",")
        if each.strip().startswith("max-age=")
    ]
    return int(found[0]) if found else -1
