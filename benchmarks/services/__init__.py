"""The services in numbers: round trips, speed, limits, memories."""

from collections.abc import Callable, Iterator

from deploy.bench import Figure


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of all services; each group has a database of its own."""
    from benchmarks.services import http, round_trips

    yield from round_trips.measure(progress)
    yield from http.measure(progress)
