"""What a run would do: the files compared with what the database remembers."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.rows import TupleRow

from deploy.database import explained
from deploy.migrations import history, indexes
from deploy.migrations.files import Migration
from deploy.migrations.statements import Statement


@dataclass(frozen=True, kw_only=True)
class Edited:
    """A file that is not what was applied.

    Attributes:
        migration: The file as it is.
        recorded: Checksum of what was applied.
    """

    migration: Migration
    recorded: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The difference between the files and a database.

    Attributes:
        pending: What a run would apply, in order: files that are not in the history,
            and files of which an index is INVALID.
        applied: Files that are in the history.
        edited: Applied files whose text is another one since.
        adopted: Applied files without a checksum of ours, by the Supabase CLI for
            instance; a run records their checksum.
        remote_only: Versions in the history that no file has.
        half_done: Statements that are done, by version, of a pending file that failed
            in the middle.
        rebuilds: Statements to run again, by version, of an applied file whose index
            is INVALID.
        problems: One line for each thing that a run would refuse.
        notes: One line for each thing worth knowing that stops nothing.
    """

    pending: tuple[Migration, ...]
    applied: tuple[Migration, ...]
    edited: tuple[Edited, ...]
    adopted: tuple[Migration, ...]
    remote_only: tuple[str, ...]
    half_done: dict[str, int]
    rebuilds: dict[str, tuple[Statement, ...]]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def plan(conn: psycopg.Connection[TupleRow], migrations: Sequence[Migration]) -> Plan:
    """Compare files with a database; write nothing.

    Args:
        conn: A connection to the database; its tables may not exist yet.
        migrations: From `discover`.

    Raises:
        AuthError: The role may not read the history.
    """
    with explained(conn, "reading the history of migrations"):
        recorded = history.read(conn)
        progress = history.read_progress(conn)
        applied = [item for item in migrations if item.version in recorded]
        rebuilds = _rebuilds(conn, applied)
    pending = [
        item
        for item in migrations
        if item.version not in recorded or item.version in rebuilds
    ]
    edited, adopted = [], []
    for item in applied:
        checksum = recorded[item.version].checksum
        if checksum is None:
            adopted.append(item)
        elif checksum != item.checksum:
            edited.append(Edited(migration=item, recorded=checksum))
    known = {item.version for item in migrations}
    half_done = {
        item.version: progress[item.version].done
        for item in pending
        if item.version in progress
    }
    return Plan(
        pending=tuple(pending),
        applied=tuple(applied),
        edited=tuple(edited),
        adopted=tuple(adopted),
        remote_only=tuple(sorted(recorded.keys() - known)),
        half_done=half_done,
        rebuilds=rebuilds,
        problems=tuple(_problems(edited, pending, progress)),
        notes=tuple(_notes(applied, pending, adopted, sorted(recorded.keys() - known))),
    )


def _rebuilds(
    conn: psycopg.Connection[TupleRow], applied: Sequence[Migration]
) -> dict[str, tuple[Statement, ...]]:
    """Find the statements of applied files whose index is INVALID."""
    invalid = {(index.schema, index.name) for index in indexes.find_invalid(conn)}
    rebuilds = {}
    for item in applied:
        again = tuple(
            statement
            for statement in item.statements
            if statement.index
            and (statement.index.schema or "public", statement.index.name) in invalid
        )
        if again:
            rebuilds[item.version] = again
    return rebuilds


def _problems(
    edited: Sequence[Edited],
    pending: Sequence[Migration],
    progress: dict[str, history.Progress],
) -> list[str]:
    """Say what a run would refuse, and how to go on."""
    problems = [
        f"{item.migration.path.name} was edited after it was applied: applied with"
        f" SHA-256 {item.recorded}, the file has {item.migration.checksum}. Put the"
        " change into a new file and restore this one. If the edit changes nothing in"
        f" the database, delete the row of version {item.migration.version} from"
        f" {history.CHECKSUMS}: the next run records the file as it is"
        for item in edited
    ]
    for item in pending:
        past = progress.get(item.version)
        if past and past.done_digest != history.digest(item, past.done):
            problems.append(
                f"{item.path.name}: one of its first {past.done} statements was edited"
                " after it was applied; the rest is still to run. Restore these"
                " statements, or undo them in the database and delete the row of"
                f" version {item.version} from {history.PROGRESS}"
            )
    return problems


def _notes(
    applied: Sequence[Migration],
    pending: Sequence[Migration],
    adopted: Sequence[Migration],
    remote_only: Sequence[str],
) -> list[str]:
    """Say what is unusual and stops nothing."""
    notes = [
        f"{item.path.name} was applied by another tool: its checksum is not known, the"
        " file's is recorded"
        for item in adopted
    ]
    newest = max((item.version for item in applied), default="")
    notes += [
        f"{item.path.name} comes before {newest}, which is applied already: it runs"
        " out of order"
        for item in pending
        if item.version < newest and item not in applied
    ]
    if remote_only:
        notes.append(
            f"{len(remote_only)} version(s) in the history have no file here:"
            f" {', '.join(remote_only)}"
        )
    return notes
