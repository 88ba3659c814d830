"""What a log tells of the objects: how large they are, and when they changed."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from deploy.cdn.simulation.addresses import address
from deploy.cdn.simulation.traffic import Request
from infra.catalog.cdn import PUBLIC_PATH

CHANGING = frozenset({"PUT", "POST", "DELETE"})
THERE = frozenset({200, 206, 304})
"""Statuses of an object that is there."""

STORED_PATH = "/storage/v1/object/"
"""Where objects are uploaded and deleted: the bucket follows."""


class Objects:
    """The public images of some requests.

    A request that shows a part, or no body, does not tell a size: an object of which
    nothing else is known counts as the median of its rule's.
    """

    def __init__(self, requests: Iterable[Request]) -> None:
        sizes: dict[str, int] = {}
        rules: dict[str, str] = {}
        first: dict[str, float] = {}
        changes: defaultdict[str, list[float]] = defaultdict(list)
        for each in requests:
            if each.method in CHANGING and each.status < 300:
                if path := _stored(each.target):
                    changes[path].append(each.at)
            elif found := address(each.target):
                if each.status not in THERE:
                    continue
                rules[found.path] = found.rule.name
                first.setdefault(found.path, each.at)
                if each.method == "GET" and each.status == 200:
                    sizes[found.path] = max(sizes.get(found.path, 0), each.size)
        self._sizes, self._changes = sizes, dict(changes)
        self._typical = _typical(sizes, rules)
        self._rules, self._first = rules, first

    def size(self, path: str) -> int:
        """Give the bytes of an object."""
        known = self._sizes.get(path)
        return (
            self._typical.get(self._rules.get(path, ""), 0) if known is None else known
        )

    def version(self, path: str, at: float) -> int:
        """Count how often an object was changed until then."""
        changes = self._changes.get(path)
        return bisect_right(changes, at) if changes else 0

    def changed_at(self, path: str, at: float) -> float | None:
        """Tell when an object was changed last; ``None`` for never."""
        version = self.version(path, at)
        return self._changes[path][version - 1] if version else None

    def __len__(self) -> int:
        return len(self._rules)

    def new_bytes(self, since: float) -> int:
        """Add up what was asked for the first time since then: each has to be fetched.

        The requests have to be in the order of time.
        """
        return sum(self.size(path) for path, at in self._first.items() if at >= since)

    @property
    def bytes(self) -> int:
        """All of them together, once each."""
        return sum(self.size(path) for path in self._rules)


def _stored(target: str) -> str | None:
    """Give the public path of what an upload or a deletion is about."""
    path = target.partition("?")[0]
    if not path.startswith(STORED_PATH):
        return None
    name = path.removeprefix(STORED_PATH).removeprefix("public/")
    found = address(PUBLIC_PATH + name)
    return found.path if found else None


def _typical(sizes: dict[str, int], rules: dict[str, str]) -> dict[str, int]:
    """Give the median size of each rule's objects."""
    by_rule: defaultdict[str, list[int]] = defaultdict(list)
    for path, size in sizes.items():
        by_rule[rules[path]].append(size)
    return {rule: round(median(found)) for rule, found in by_rule.items()}
