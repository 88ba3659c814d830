"""A bounded cache with a lifetime, in which a miss is loaded once."""

import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar
from uuid import UUID

import msgspec
from cachetools import TLRUCache

from functions.shared.environment import Environment

Value = TypeVar("Value")


class Everyone(Enum):
    """Stands for the app as a whole where a key names its owner."""

    APP = "app"


APP = Everyone.APP
"""Owner of what belongs to no user, and of what the app's own backend reads."""


class Key(msgspec.Struct, frozen=True):
    """What a value is found by; there is no key without an owner.

    Attributes:
        owner: Whose value it is: the user who asks, or `APP`. Two users never have the
            same key, so what was loaded for one is never given to the other.
        part: Which of the owner's values, e.g. a conversation's id.

    Raises:
        TypeError: The owner is neither a user's id nor `APP`.
    """

    owner: UUID | Everyone
    part: str = ""

    def __post_init__(self) -> None:
        """Refuse what a type checker would: ``None`` above all, which is anybody."""
        if not isinstance(self.owner, UUID | Everyone):
            raise TypeError(f"the owner of a key is a UUID or APP, got {self.owner!r}")


class Lifetime(msgspec.Struct, frozen=True):
    """How long a value is kept, and how long the news that there is none.

    Attributes:
        value_s: Of a value, in seconds.
        absent_s: Of a known absence, in seconds.
    """

    value_s: int
    absent_s: int

    @classmethod
    def read(cls, environment: Environment, name: str) -> "Lifetime":
        """Read ``CACHE_<name>_S`` and ``CACHE_ABSENT_S``."""
        return cls(
            environment.integer(f"CACHE_{name}_S", low=1),
            environment.integer("CACHE_ABSENT_S", low=1),
        )


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache did since it was made.

    Attributes:
        hits: Values that were there, the known absences among them.
        misses: Values that were not.
        loads: Loads that were begun: misses of one key at the same time share one.
        evictions: Values that made room for others before their time.
    """

    hits: int = 0
    misses: int = 0
    loads: int = 0
    evictions: int = 0


class Fresh(msgspec.Struct, frozen=True):
    """A loaded value that is not to be kept for the whole lifetime.

    Attributes:
        value: The value; ``None`` if there is none.
        for_s: How long it may be kept at most, in seconds.
    """

    value: object
    for_s: float


class _Entry(msgspec.Struct, frozen=True):
    """A kept value and its own lifetime, in seconds."""

    value: object
    for_s: float


class _Entries(TLRUCache[Key, _Entry]):
    """The kept values; counts those that leave before their time."""

    evictions = 0

    def popitem(self) -> tuple[Key, _Entry]:
        """Make room; called when the cache is full and nothing in it has expired."""
        popped = super().popitem()
        self.evictions += 1
        return popped


class _Load:
    """A load that is under way, and those who wait for it."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.value: object = None
        self.error: BaseException | None = None


class Cache(Generic[Value]):
    """Keeps what ``load`` gives, for all threads of the process.

    Misses of one key at the same time load it once; if that fails it fails for all who
    wait, and the next one tries again. What began to load before an invalidation is
    given to those who waited for it and not kept.

    Args:
        name: Tells it from others in the metrics, e.g. ``Conversation``.
        load: Reads the value of a key; ``None`` if there is none. It may wrap either
            in `Fresh`. It must not ask the same cache for the same key. With a
            `SingleConnection` no load may be asked for inside a ``database.run``: the
            load runs one itself and would wait for it.
        lifetime: How long a value is kept.
        size: Values that are kept; beyond it the least recently used one goes.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self,
        name: str,
        load: Callable[[Key], Value | Fresh | None],
        *,
        lifetime: Lifetime,
        size: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._load = load
        self._lifetime = lifetime
        self._entries = _Entries(size, lambda _, entry, now: now + entry.for_s, clock)
        self._loads: dict[Key, _Load] = {}
        # Never held while a value is loaded or waited for.
        self._lock = threading.Lock()
        self._hits = self._misses = self._begun = 0

    def get(self, key: Key) -> Value | None:
        """Give the value of a key, or ``None`` if there is none.

        Raises:
            Exception: What the load raised.
        """
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None:
                self._hits += 1
                return entry.value  # type: ignore[return-value]  # what `load` gave
            self._misses += 1
            load = self._loads.get(key)
            is_ours = load is None
            if load is None:
                load = self._loads[key] = _Load()
                self._begun += 1
        if is_ours:
            self._run(key, load)
        else:
            load.done.wait()
        if load.error is not None:
            raise load.error
        return load.value  # type: ignore[return-value]  # what `load` gave

    def invalidate(self, key: Key) -> None:
        """Forget a value; call it after the commit that changed the row.

        Before the commit another request could load the old value again.
        """
        with self._lock:
            self._entries.pop(key, None)
            # A load that is under way has no place any more to keep its value.
            self._loads.pop(key, None)

    def forget(self, owner: UUID) -> None:
        """Forget all values of a user."""
        with self._lock:
            for key in [*self._entries, *self._loads]:
                if key.owner == owner:
                    self._entries.pop(key, None)
                    self._loads.pop(key, None)

    def counts(self) -> Counts:
        """Tell what it did since it was made."""
        with self._lock:
            return Counts(
                hits=self._hits,
                misses=self._misses,
                loads=self._begun,
                evictions=self._entries.evictions,
            )

    def _run(self, key: Key, load: _Load) -> None:
        """Load a value for all who wait; keep it unless it was invalidated."""
        try:
            entry = self._entry(self._load(key))
            load.value = entry.value
            with self._lock:
                if self._loads.get(key) is load:
                    self._entries[key] = entry
        except BaseException as error:  # for the waiters too; each raises it
            load.error = error
        finally:
            with self._lock:
                if self._loads.get(key) is load:
                    del self._loads[key]
            load.done.set()

    def _entry(self, loaded: object) -> _Entry:
        """Give a loaded value its lifetime."""
        value = loaded.value if isinstance(loaded, Fresh) else loaded
        lifetime = self._lifetime
        for_s: float = lifetime.absent_s if value is None else lifetime.value_s
        if isinstance(loaded, Fresh):
            for_s = min(for_s, loaded.for_s)
        return _Entry(value, for_s)
