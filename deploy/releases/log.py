"""The log of releases in a stack's records: what was live, when, and from where."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.ledger import now
from deploy.local.files import write_private
from deploy.releases.versions import Release, Version

FILE = "releases.json"
KEPT = 500
"""Entries that are kept: years of daily deploys in half a megabyte."""

DEPLOYED, ROLLED_BACK, WITHDRAWN, FOUND = (
    "deploy",
    "rollback",
    "withdrawn",
    "found",
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A set of versions that was live.

    Attributes:
        number: Counts from 1 on; what ``rollback --service all --to`` takes.
        at: When it was written, in UTC, for people.
        kind: ``deploy``; ``rollback``; ``withdrawn``: it was live until its proof
            failed; ``found``: live before a rollback, of no recorded deploy.
        proved: Whether a smoke test passed on it.
        commit: The commit of the working tree, with ``+`` if it was not clean; or
            ``None``.
        migrations: Versions that were applied then; ``None`` if the database was not
            looked at.
        services: What was live.
    """

    number: int
    at: str
    kind: str
    proved: bool
    commit: str | None
    migrations: tuple[str, ...] | None
    services: Release

    @property
    def is_trusted(self) -> bool:
        """Whether one may go back to it without being asked for it by number."""
        return self.kind in (DEPLOYED, ROLLED_BACK)


def read(records: Path) -> list[Entry]:
    """Read the log, oldest first; empty if there is none or it is damaged."""
    try:
        content = json.loads((records / FILE).read_text(encoding="utf-8"))
        return [_entry(each) for each in content]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return []


def append(
    records: Path,
    kind: str,
    services: Release,
    *,
    proved: bool = False,
    commit: str | None = None,
    migrations: Iterable[str] | None = None,
) -> Entry:
    """Write the next entry; see `Entry`.

    A log that cannot be read is kept beside, as ``releases.json.damaged``.
    """
    before = read(records)
    if not before and (records / FILE).exists():
        (records / FILE).replace(records / f"{FILE}.damaged")
    entry = Entry(
        number=before[-1].number + 1 if before else 1,
        at=now(),
        kind=kind,
        proved=proved,
        commit=commit,
        migrations=None if migrations is None else tuple(sorted(migrations)),
        services=dict(services),
    )
    content = [asdict(each) for each in [*before, entry][-KEPT:]]
    write_private(records / FILE, json.dumps(content, indent=1))
    return entry


def _entry(values: Mapping[str, object]) -> Entry:
    """Read one entry."""
    fields = dict(values)
    services = fields.pop("services")
    migrations = fields.pop("migrations")
    if not isinstance(services, dict):
        raise TypeError("services is no object")
    return Entry(
        **fields,  # type: ignore[arg-type]  # as `append` wrote them
        services={name: Version(**version) for name, version in services.items()},
        migrations=tuple(migrations) if isinstance(migrations, list) else None,
    )
