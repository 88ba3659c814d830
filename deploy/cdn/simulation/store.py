"""Copies of objects: the least recently used go where there is no room."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(kw_only=True, slots=True)
class Copy:
    """A copy.

    Attributes:
        filled_at: When it was made, in seconds since 1970.
        used_at: When it was asked for last.
        size: Its bytes.
        version: Of the object, which grows with each overwrite.
        is_there: Whether the object was there; else it is the news that it is not.
    """

    filled_at: float
    used_at: float
    size: int
    version: int
    is_there: bool = True


class Store:
    """Copies by key.

    Args:
        capacity: Bytes that fit; ``None`` without a bound.
        idle_s: Copies that nobody asked for so long are gone; ``None`` for never.
    """

    def __init__(
        self, capacity: int | None = None, idle_s: float | None = None
    ) -> None:
        self._copies: OrderedDict[str, Copy] = OrderedDict()
        self._capacity, self._idle_s = capacity, idle_s
        self.bytes = 0

    def get(self, key: str, at: float) -> Copy | None:
        """Give a copy, and note that it was used."""
        found = self._copies.get(key)
        if found is None:
            return None
        if self._idle_s is not None and at - found.used_at > self._idle_s:
            self.forget(key)
            return None
        found.used_at = at
        self._copies.move_to_end(key)
        return found

    def put(self, key: str, copy: Copy) -> None:
        """Keep a copy; what is larger than the store is not kept."""
        self.forget(key)
        if self._capacity is not None and copy.size > self._capacity:
            return
        self._copies[key] = copy
        self.bytes += copy.size
        while self._capacity is not None and self.bytes > self._capacity:
            _, gone = self._copies.popitem(last=False)
            self.bytes -= gone.size

    def forget(self, key: str) -> None:
        """Delete a copy, if there is one."""
        gone = self._copies.pop(key, None)
        if gone:
            self.bytes -= gone.size

    def __len__(self) -> int:
        return len(self._copies)
