"""The columns that hold addresses: those that are known, and those that are named."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.errors import UsageError

HELP = "./bootstrap cdn.rewrite-urls --help"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the app.

    Attributes:
        table: Its table, as ``schema.table``.
        name: Its name.
        inside: Whether addresses stand inside a text or JSON; else it is one address.
        is_named: Whether somebody named it; one that is known may be missing.
    """

    table: str
    name: str
    inside: bool = False
    is_named: bool = False

    @property
    def told(self) -> str:
        """Its qualified name."""
        return f"{self.table}.{self.name}"

    @property
    def quoted_table(self) -> str:
        """Its table, quoted for SQL."""
        schema, _, table = self.table.partition(".")
        parts = (each.replace('"', '""') for each in (schema, table))
        return ".".join(f'"{each}"' for each in parts)


KNOWN = (
    Column(table="public.user_images", name="image_url"),
    Column(table="public.image_generation_log", name="image_url"),
)
WRITTEN_BY_PEOPLE = tuple(
    Column(table=table, name=name, inside=True)
    for table in ("public.messages", "kiloscale.messages_archive")
    for name in ("text", "meta")
)
"""Looked at by a dry run; changed only if they are named."""


def chosen(columns: Sequence[str], inside: Sequence[str]) -> tuple[Column, ...]:
    """Give the known columns and those that were named.

    Raises:
        UsageError: One is not ``schema.table.column``, or named twice.
    """
    more = [_read("--column", each, inside=False) for each in columns]
    more += [_read("--inside", each, inside=True) for each in inside]
    seen: dict[str, Column] = {each.told: each for each in KNOWN}
    for each in more:
        if each.told in seen and seen[each.told] not in KNOWN:
            raise UsageError(
                f"{each.told} is named twice; nothing was changed", remedy=HELP
            )
        seen[each.told] = each
    return tuple(seen.values())


def _read(option: str, text: str, *, inside: bool) -> Column:
    """Read one name.

    Raises:
        UsageError: It is no name of a column.
    """
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        raise UsageError(
            f"{option} {text!r} must be schema.table.column; nothing was changed",
            remedy=HELP,
        )
    table = f"{parts[0]}.{parts[1]}"
    return Column(table=table, name=parts[2], inside=inside, is_named=True)
