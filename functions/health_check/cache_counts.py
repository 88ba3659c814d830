"""The hits of the services' caches, as `functions.shared.caching.metrics` logs them."""

from collections.abc import Iterable, Mapping
from typing import Any

HOURS = 24
HOUR_S = 3_600

# Only the metrics of caches have both dimensions: the gauges have the stack alone.
_SEARCH = (
    "SEARCH('{{\"{namespace}\",Service,Stack}} Stack=\"{stack}\"', 'Sum', {period_s})"
)
_KINDS = {"CacheHits": "hits", "CacheMisses": "misses"}


def query(namespace: str, stack: str) -> dict[str, Any]:
    """Ask for the counts of all services and caches at once.

    One query, so that nobody has to list here which service has which cache.
    """
    return {
        "Id": "caches",
        "Expression": _SEARCH.format(namespace=namespace, stack=stack, period_s=HOUR_S),
        "Label": "${PROP('Dim.Service')}/${PROP('MetricName')}",
    }


def ratios(series: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add up the counts.

    Args:
        series: ``MetricDataResults`` of the query.

    Returns:
        ``{"service", "cache", "hits", "misses", "ratio"}`` each, ordered by name;
        ``ratio`` is that of the hits, 0 to 1.
    """
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for each in series:
        service, _, metric = each["Label"].partition("/")
        for ending, kind in _KINDS.items():
            cache = metric.removesuffix(ending)
            if cache != metric:
                found = counts.setdefault((service, cache), {"hits": 0, "misses": 0})
                found[kind] += int(sum(each["Values"]))
    return [
        {
            "service": service,
            "cache": cache,
            **found,
            "ratio": round(found["hits"] / sum(found.values()), 4),
        }
        for (service, cache), found in sorted(counts.items())
        if sum(found.values())
    ]
