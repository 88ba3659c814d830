"""The row that chooses provider and model, read once for many messages."""

import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec

from functions.shared.caching.cache import APP, Cache, Counts, Fresh, Key, Lifetime
from functions.shared.caching.shared_store import SharedStore
from functions.shared.database import Connection, Database
from functions.shared.providers.models import CONFIG_KEY, ModelConfig

logger = logging.getLogger(__name__)

SHARED_NAME = "llm-config"

_READ = "select c.value from public.system_config c where c.key = %s"
_KEY = Key(APP, CONFIG_KEY)


class LlmConfigs:
    """The value of the row ``llm_provider`` of ``system_config``, cached.

    Nothing of ours writes the row. A person who changes it sees the change everywhere
    within the lifetime: what Redis gives is kept only for what is left of it.

    Args:
        database: Where the row is.
        shared: Spares the database the cold starts; ``None`` where there is no Redis.
        lifetime: How long a value is kept.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self,
        database: Database,
        shared: SharedStore | None,
        lifetime: Lifetime,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._shared = shared
        self._lifetime = lifetime
        self._cache: Cache[dict[str, Any]] = Cache(
            "LlmConfig", self._load, lifetime=lifetime, size=1, clock=clock
        )

    @property
    def name(self) -> str:
        """Name of the cache in the metrics."""
        return self._cache.name

    def get(self) -> dict[str, Any] | None:
        """Give the value, as `read_config` takes it; ``None`` without such a row.

        Raises:
            psycopg.Error: It is cached nowhere and the database cannot be read.
        """
        return self._cache.get(_KEY)

    def invalidate(self) -> None:
        """Forget the value here and in Redis; the next message reads the row.

        For whoever changes the row, and for a consumer whom the configured model
        refused: what is wrong may be mended in the row by now.
        """
        if self._shared is not None:
            self._shared.invalidate(SHARED_NAME)
        self._cache.invalidate(_KEY)

    def counts(self) -> Counts:
        """Tell what the cache did since it was made."""
        return self._cache.counts()

    def _load(self, _: Key) -> dict[str, Any] | Fresh | None:
        """Ask Redis, then the database, and tell Redis."""
        if self._shared is None:
            return self._database.run(_read, repeatable=True)
        found = self._shared.get(SHARED_NAME)
        if found.value is not None:
            try:
                value = msgspec.json.decode(found.value, type=dict[str, Any] | None)
                return Fresh(value, found.for_s)
            except msgspec.DecodeError:
                logger.warning("shared configuration not readable; reading the row")
        row = self._database.run(_read, repeatable=True)
        lifetime = self._lifetime
        for_s = lifetime.absent_s if row is None else lifetime.value_s
        try:
            public = None if row is None else known_fields(row)
        except msgspec.ValidationError:
            # Its reader says what is wrong with it; others need not read it in Redis.
            return row
        self._shared.set(
            SHARED_NAME,
            msgspec.json.encode(public),
            for_s=for_s,
            generation=found.generation,
        )
        return row


def known_fields(row: dict[str, Any]) -> dict[str, Any]:
    """Give what `ModelConfig` knows of a row.

    Keys of APIs do not belong into the row; one that stands there does not leave the
    database.

    Raises:
        msgspec.ValidationError: The row is no `ModelConfig`.
    """
    known: dict[str, Any] = msgspec.to_builtins(msgspec.convert(row, ModelConfig))
    return known


def _read(connection: Connection) -> dict[str, Any] | None:
    """Read the row."""
    row = connection.execute(_READ, (CONFIG_KEY,)).fetchone()
    return row[0] if row else None  # type: ignore[return-value]  # jsonb, an object
