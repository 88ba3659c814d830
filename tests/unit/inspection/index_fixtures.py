"""Indexes and foreign keys as a test needs them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.inspection.counters import Counters
from deploy.inspection.foreign_keys import ForeignKey
from deploy.inspection.index_facts import Index
from deploy.inspection.index_verdicts import Surroundings

NOW = datetime(2026, 5, 1, tzinfo=UTC)
COLUMNS = {"id": 1, "chat_id": 2, "created_at": 3, "user_id": 4}
MIB = 1024**2


def index(name: str, *keys: str, **changes: Any) -> Index:
    """An index on ``public.messages``; ``-column`` is a descending one."""
    bare = [key.removeprefix("-") for key in keys]
    facts: dict[str, Any] = {
        "id": len(name),
        "schema": "public",
        "table": "messages",
        "name": name,
        "table_name": "public.messages",
        "qualified": f"public.{name}",
        "method": "btree",
        "bytes": 10 * MIB,
        "scans": 0,
        "parts": 0,
        "last_scan_at": None,
        "table_pages": 100_000,
        "table_rows": 2_000_000,
        "inserted": 0,
        "moved": 0,
        "columns": [COLUMNS.get(key, 0) for key in bare],
        "keys": bare,
        "classes": [1] * len(keys),
        "collations": [0] * len(keys),
        "options": [3 if key.startswith("-") else 0 for key in keys],
        "definition": f"CREATE INDEX {name} ON public.messages USING btree (x)",
    }
    return Index(**facts | changes)


def key(*columns: str, **changes: Any) -> ForeignKey:
    """A foreign key of ``public.messages``."""
    facts: dict[str, Any] = {
        "id": "messages.fk",
        "name": "messages_fkey",
        "table": "messages",
        "table_name": "public.messages",
        "referenced": "public.conversations",
        "columns": [COLUMNS[column] for column in columns],
        "names": list(columns),
        "pages": 100_000,
        "rows": 2_000_000,
    }
    return ForeignKey(**facts | changes)


def counters(days: float = 30, **changes: Any) -> Counters:
    """Counters that count since some days."""
    since = NOW - timedelta(days=days)
    facts: dict[str, Any] = {"reset_at": None, "server_since": since}
    return Counters(now=NOW, started_at=since, **facts | changes)


def around(
    *indexes: Index,
    keys: tuple[ForeignKey, ...] = (),
    counted: Counters | None = None,
    declared: tuple[str, ...] = (),
) -> Surroundings:
    """What decides about an index besides itself."""
    return Surroundings(
        indexes=indexes,
        keys=keys,
        counters=counted or counters(),
        declared=declared,
        trusted_after=timedelta(days=14),
    )
