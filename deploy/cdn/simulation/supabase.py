"""Supabase Storage with the CDN of its own, which bills what it sends by its hits."""

from collections import defaultdict
from dataclasses import dataclass

from deploy.cdn.simulation.objects import Objects
from deploy.cdn.simulation.settings import SMART_CHANGE_S
from deploy.cdn.simulation.store import Copy, Store
from infra.catalog.cdn import PUBLIC_PATH


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What Supabase answers with.

    Attributes:
        is_cached: Whether its own CDN had it: the cheap kind of egress.
        version: Of the object that it sent.
    """

    is_cached: bool
    version: int


class Supabase:
    """Public objects behind Supabase's CDN, which has a copy in each data center.

    Args:
        objects: What there is.
        smart: Whether it is the Smart CDN.
        upload_s: Lifetime that the uploads name, in seconds.
    """

    def __init__(self, objects: Objects, *, smart: bool, upload_s: int) -> None:
        self._objects, self._smart, self._upload_s = objects, smart, upload_s
        self._stores: defaultdict[str, Store] = defaultdict(Store)

    def send(
        self, target: str, path: str, at: float, place: str, *, is_there: bool
    ) -> Sent:
        """Answer a request for an object; its query is part of the copy's name."""
        version = self._objects.version(path, at)
        if not is_there or not target.startswith(PUBLIC_PATH):
            return Sent(is_cached=False, version=version)
        copy = self._stores[place].get(target, at)
        if copy and self._is_good(copy, path, at, version):
            return Sent(is_cached=True, version=copy.version)
        new = Copy(filled_at=at, used_at=at, size=0, version=version)
        self._stores[place].put(target, new)
        return Sent(is_cached=False, version=version)

    def _is_good(self, copy: Copy, path: str, at: float, version: int) -> bool:
        """Tell whether a copy is served still."""
        if self._upload_s == 0:
            return False
        if not self._smart:
            return at - copy.filled_at < self._upload_s
        changed = self._objects.changed_at(path, at)
        return (
            copy.version == version or changed is None or at - changed < SMART_CHANGE_S
        )
