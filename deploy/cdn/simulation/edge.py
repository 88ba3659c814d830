"""The CDN: which requests find a copy, by the rules of the catalog."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from deploy.cdn.simulation.addresses import Address
from deploy.cdn.simulation.objects import THERE, Objects
from deploy.cdn.simulation.settings import PURGE_S, REVALIDATING, Settings
from deploy.cdn.simulation.store import Copy, Store
from infra.catalog.cdn import (
    NOT_FOUND_TTL_S,
    STALE_IF_ERROR_S,
    STALE_WHILE_REVALIDATE_S,
)
from infra.catalog.cdn_modes import CACHE_RULES

EVERYWHERE = ""
"""The data center of the upper tier."""

MISSING = frozenset({400, 404})
"""Supabase says 400 where an object is missing."""

Fetch = Callable[[str], int]
"""Asks Supabase from a data center; gives the version of what it sends."""


class Found(StrEnum):
    """How a request was answered."""

    HIT = "hit"
    UPDATING = "updating"
    STALE = "stale"
    MISS = "miss"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer of the CDN, with the version of the object in it."""

    found: Found
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request as it reaches the CDN.

    Attributes:
        image: What it is for.
        key: Name of its copy.
        at: When, in seconds since 1970.
        place: Data center of the viewer.
        status: What Supabase would say now.
    """

    image: Address
    key: str
    at: float
    place: str
    status: int


class Edge:
    """A CDN in one of its modes."""

    def __init__(self, objects: Objects, settings: Settings) -> None:
        self._objects, self._settings = objects, settings
        self._stores: defaultdict[str, Store] = defaultdict(
            lambda: Store(settings.capacity, settings.idle_s)
        )

    def place(self, place: str) -> str:
        """Give the data center whose copies count."""
        return EVERYWHERE if self._settings.is_tiered else place

    def key(self, asked: Address, target: str) -> str:
        """Give the name of a copy: Cache Rules leave all parameters in it, sorted."""
        if self._settings.mode != CACHE_RULES:
            return asked.key
        query = target.partition("?")[2]
        return f"{asked.path}?{'&'.join(sorted(query.split('&')))}"

    def answer(self, asked: Asked, fetch: Fetch) -> Answer:
        """Answer a request; `fetch` asks Supabase, once at most."""
        where, key, at = self.place(asked.place), asked.key, asked.at
        store = self._stores[where]
        self._purge(store, key, asked.image.path, at)
        copy = store.get(key, at)
        if copy and self._age_left(copy, asked.image, at) > 0:
            return Answer(found=Found.HIT, version=copy.version)
        if asked.status not in THERE | MISSING:
            fetch(where)
            return self._refused(copy, asked.image, at)
        version = fetch(where)
        is_there = asked.status in THERE
        size = self._objects.size(asked.image.path) if is_there else 0
        new = Copy(
            filled_at=at, used_at=at, size=size, version=version, is_there=is_there
        )
        store.put(key, new)
        if copy and copy.is_there and self._may_update(copy, asked.image, at):
            return Answer(found=Found.UPDATING, version=copy.version)
        return Answer(found=Found.MISS, version=version)

    def _purge(self, store: Store, key: str, path: str, at: float) -> None:
        """Forget a copy that was purged since: its object changed."""
        changed = self._objects.changed_at(path, at) if self._settings.watched else None
        if changed is None or at < changed + PURGE_S:
            return
        copy = store.get(key, at)
        if copy and copy.filled_at < changed + PURGE_S:
            store.forget(key)

    def _age_left(self, copy: Copy, asked: Address, at: float) -> float:
        """Give for how long a copy is fresh still, in seconds."""
        ttl_s = asked.rule.edge_ttl_s if copy.is_there else NOT_FOUND_TTL_S
        return copy.filled_at + ttl_s - at

    def _may_update(self, copy: Copy, asked: Address, at: float) -> bool:
        """Tell whether an expired copy is served while a new one is fetched."""
        late = -self._age_left(copy, asked, at)
        return self._settings.mode in REVALIDATING and late < STALE_WHILE_REVALIDATE_S

    def _refused(self, copy: Copy | None, asked: Address, at: float) -> Answer:
        """Serve an expired copy while Supabase refuses, where there is one."""
        if copy and copy.is_there:
            late = -self._age_left(copy, asked, at)
            if late < STALE_IF_ERROR_S:
                return Answer(found=Found.STALE, version=copy.version)
        return Answer(found=Found.REFUSED, version=0)
