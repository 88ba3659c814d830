"""Fixtures: the Worker in workerd, once for each cache, and its origin."""

from collections.abc import Iterator

import edge_bench
import hostile_origin
import pytest
from edge_bench import Worker
from hostile_origin import Origin

from deploy.local.edge.installing import modules
from deploy.local.parts import UnavailableError


@pytest.fixture(scope="session", autouse=True)
def workerd() -> None:
    """The runtime, installed; without it each test is skipped with the reason."""
    try:
        modules()
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def origin() -> Iterator[Origin]:
    with hostile_origin.running() as found:
        yield found


@pytest.fixture(scope="session")
def workers_cache(origin: Origin) -> Iterator[Worker]:
    """The Worker that Workers Cache stands in front of; workerd has no such cache."""
    yield from _worker(origin, "workers-cache")


@pytest.fixture(scope="session")
def cache_api(origin: Origin) -> Iterator[Worker]:
    """The Worker that keeps copies itself, in workerd's own Cache API."""
    yield from _worker(origin, "cache-api")


@pytest.fixture(scope="session", params=["workers-cache", "cache-api"])
def worker(request: pytest.FixtureRequest) -> Worker:
    """Both, one after the other."""
    found: Worker = request.getfixturevalue(request.param.replace("-", "_"))
    return found


def _worker(origin: Origin, cache: str) -> Iterator[Worker]:
    with edge_bench.running(origin.url, cache) as found:
        yield found
