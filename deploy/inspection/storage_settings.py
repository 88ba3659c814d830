"""The storage settings that the baseline gives the tables it makes, for those it finds.

An existing app's tables keep their own; ``db.bloat`` shows the command where a setting
would pay. A test compares these values with those of a database that the migrations
made. The measurements are in docs/monitoring.md.
"""

from collections.abc import Mapping

FILLFACTOR = "fillfactor"

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "conversations": {FILLFACTOR: "80"},
    "conversation_activity": {FILLFACTOR: "70"},
    "user_memory": {FILLFACTOR: "85"},
    "feature_usage": {FILLFACTOR: "70"},
    "messages": {
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_vacuum_insert_scale_factor": "0.02",
        "autovacuum_analyze_scale_factor": "0.02",
    },
}

UPDATES_MIN = 10_000
"""Updates below which a share of HOT ones says little."""

HOT_MIN = 0.8
"""Share of HOT updates from which free space in the pages would not add much."""

ROWS_MIN = 500_000
"""Rows from which autovacuum's default, a fifth of the table, waits too long."""


def lacking(
    table: str, options: Mapping[str, str], *, updates: int, hot: int, rows: int
) -> dict[str, str]:
    """Give the settings that a table lacks and that would pay.

    Args:
        table: Name of a table of schema ``public``.
        options: What is set.
        updates: Updates since the statistics began.
        hot: Those of them that were HOT.
        rows: Rows of the table.
    """
    wanted = SETTINGS.get(table, {})
    lacks_space = updates >= UPDATES_MIN and hot / updates < HOT_MIN
    return {
        name: value
        for name, value in wanted.items()
        if name not in options
        and (lacks_space if name == FILLFACTOR else rows >= ROWS_MIN)
    }


def command(table: str, settings: Mapping[str, str]) -> str:
    """Write the statement that sets them.

    >>> command("public.conversations", {"fillfactor": "80"})
    'alter table public.conversations set (fillfactor = 80);'
    """
    told = ", ".join(f"{name} = {value}" for name, value in settings.items())
    return f"alter table {table} set ({told});"


def undo(table: str, settings: Mapping[str, str]) -> str:
    """Write the statement that takes them back."""
    return f"alter table {table} reset ({', '.join(settings)});"
