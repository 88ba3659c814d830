"""The steps of an export, and what a person reads of them."""

from collections.abc import Iterator

from deploy.amounts import size
from deploy.checklist import Result, Status, Step, skipped
from deploy.database import redact
from deploy.deployment import Deployment
from deploy.errors import DeployError, HalfDoneError, UsageError
from deploy.export import source
from deploy.export.pseudonyms import KEY_VARIABLE
from deploy.export.session import Change, Session
from deploy.export.source import Source
from deploy.export.staging import Staging

BEHIND_S = 300.0
"""A replica that is further behind may not know yet of a user who was deleted."""


def looking(session: Session, place: str) -> Step[Deployment]:
    """Make the step that says what an export would write.

    Args:
        session: The export.
        place: Connection URL of the database.
    """

    def body(deployment: Deployment) -> Iterator[Result]:
        del deployment
        with source.snapshot(place) as found:
            yield from _replica(found)
            for table in session.tables:
                change = session.look(found, table)
                yield _planned(change) if change else _missing(table.name)
            _require_any(session, place)

    return Step(id="look", title="compare the database with the export", run=body)


def reading(session: Session, place: str) -> Step[Deployment]:
    """Make the step that writes what differs into a scratch folder.

    Args:
        session: The export.
        place: Connection URL of the database.
    """

    def body(deployment: Deployment) -> Iterator[Result]:
        del deployment
        staging = Staging(session.place.scratch(), session.key)
        try:
            with source.snapshot(place) as found:
                yield from _replica(found)
                for table in session.tables:
                    change = session.look(found, table)
                    if change is None:
                        yield _missing(table.name)
                        continue
                    session.read(found, change, staging)
                    yield _read(change)
                _require_any(session, place)
        finally:
            staging.close()

    return Step(id="read", title="read what differs", run=body)


def _require_any(session: Session, place: str) -> None:
    """Refuse a database that has none of the tables: it is hardly the app's.

    Raises:
        UsageError: Says where it looked; nothing was exported.
    """
    if not session.changes:
        raise UsageError(
            f"{redact(place)} has none of the tables that were asked for: is it the"
            " app's database? Nothing was exported",
            remedy="./bootstrap db.table-sizes",
        )


def publishing(session: Session) -> Step[Deployment]:
    """Make the step that replaces the files and writes the manifest."""

    def body(deployment: Deployment) -> Iterator[Result]:
        del deployment
        done = 0
        try:
            for _ in session.publish():
                done += 1
        except (DeployError, OSError) as error:
            if not done:
                raise
            raise HalfDoneError(
                f"{error}; {done} files are replaced, the manifest is not",
                remedy="run the same command again: it goes on",
                evidence=getattr(error, "evidence", None),
            ) from error
        yield _published(session, done)
        if session.key.made:
            yield _made(session)

    return Step(id="publish", title="publish the files", run=body)


def _replica(found: Source) -> Iterator[Result]:
    """Say how far a replica is behind."""
    if found.behind_s is None:
        return
    behind = found.behind_s
    late = behind > BEHIND_S
    yield Result(
        id="read.replica",
        title=f"the replica replayed its last change {behind:.0f} s ago",
        status=Status.WARN if late else Status.PASS,
        evidence={"last_replayed_s": round(behind, 1)},
        remedy="leave --from-replica out" if late else None,
    )


def _missing(name: str) -> Result:
    return skipped(
        f"read.{name}", f"the database has no such table with its key: {name}"
    )


def _evidence(change: Change) -> dict[str, object]:
    difference = change.difference
    return {
        "rows": change.rows,
        "rows_written": sum(part.rows for part in difference.write),
        "files_written": len(difference.write),
        "files_kept": len(difference.keep),
        "files_deleted": len(difference.drop),
        "columns": [each.name for each in change.shape.columns],
    }


def _planned(change: Change) -> Result:
    """Say what would be written."""
    table = change.shape.table
    rows = sum(part.rows for part in change.difference.write)
    known = sum(file.bytes for file in change.difference.keep)
    kept = sum(file.rows for file in change.difference.keep)
    each = known / kept if kept else table.row_bytes
    told = f"{_told(change)}; about {size(rows * each)}"
    return Result(
        id=f"look.{table.name}",
        title=told if change.is_any else _told(change),
        status=Status.PASS,
        evidence=_evidence(change) | {"bytes_about": round(rows * each)},
        planned=change.is_any,
    )


def _read(change: Change) -> Result:
    """Say what was read."""
    return Result(
        id=f"read.{change.shape.table.name}",
        title=_told(change),
        status=Status.PASS,
        evidence=_evidence(change),
    )


def _told(change: Change) -> str:
    """Describe a change in one line."""
    if not change.is_any:
        return f"{change.rows:,} rows, nothing differs"
    difference = change.difference
    files = len(difference.write) + len(difference.keep)
    rows = sum(part.rows for part in difference.write)
    gone = len(difference.drop)
    text = f"{change.rows:,} rows; {rows:,} in {len(difference.write)} of {files} files"
    return f"{text}; {gone} files to delete" if gone else text


def _published(session: Session, done: int) -> Result:
    """Say what the destination has."""
    made = session.published
    files = [f for t in made.tables.values() for f in t.files] if made else []
    total = sum(file.bytes for file in files)
    return Result(
        id="publish.files",
        title=f"{done} files published or deleted; {session.place.name} has"
        f" {len(files)} files, {size(total)}",
        status=Status.PASS,
        evidence={
            "place": session.place.name,
            "files": len(files),
            "bytes": total,
            "key_id": session.key.id,
            "finished_an_earlier_one": bool(session.unfinished),
        },
        changed=done > 0,
    )


def _made(session: Session) -> Result:
    """Say where the new key of the pseudonyms is."""
    return Result(
        id="publish.key",
        title=f"made the key of the pseudonyms: {session.key.made}; keep a copy, other"
        f" machines need it in {KEY_VARIABLE}",
        status=Status.WARN,
        evidence={"path": str(session.key.made), "key_id": session.key.id},
        changed=True,
    )
