"""One export: look, read, publish; each part leaves the next what it needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.deployment import Deployment
from deploy.export import manifest as documents
from deploy.export import parts as comparing
from deploy.export.bucket import Bucket
from deploy.export.catalog import TABLES, Table
from deploy.export.choices import Choices
from deploy.export.folder import Folder
from deploy.export.manifest import File, Manifest, TableFiles, Written
from deploy.export.parts import Difference
from deploy.export.pseudonyms import Key, key
from deploy.export.publishing import publish
from deploy.export.shapes import Shape, look
from deploy.export.source import Source
from deploy.export.staging import Staged, Staging


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is done about one table.

    Attributes:
        shape: The table as the database has it.
        rows: All its rows, kept files included.
        difference: Which files are written, kept and dropped.
        is_everything: Whether all its rows are written.
        staged: The files that are written.
    """

    shape: Shape
    rows: int
    difference: Difference
    is_everything: bool
    staged: list[Staged] = field(default_factory=list)

    @property
    def is_any(self) -> bool:
        """Whether anything differs."""
        return bool(self.difference.write or self.difference.drop)


class Session:
    """What an export knows of its destination, and what it is about to do there."""

    def __init__(self, deployment: Deployment, choices: Choices) -> None:
        self.choices = choices
        self.progress: Callable[[str], None] = deployment.progress
        self._stack = deployment.stack
        self.place: Folder | Bucket = (
            Bucket(deployment, choices.to) if choices.bucket else Folder(choices.folder)
        )
        self.place.check()
        self.last: Manifest | None = documents.last(self.place, deployment.stack)
        self.unfinished = documents.unfinished(self.place, deployment.stack)
        expected = self.last.key_id if self.last and not choices.full else None
        self.key: Key = key(deployment, real=choices.real_ids, expected=expected)
        self._sizes = self.place.sizes()
        self.changes: list[Change] = []
        self.published: Manifest | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that are looked at, those with an unfinished file included."""
        begun = {path.partition("/")[0] for path in self.unfinished}
        # With another key, the files of all tables are written anew.
        if self.choices.full and self.last and self.last.key_id != self.key.id:
            begun |= self.last.tables.keys()
        chosen = self.choices.chosen()
        return tuple(
            table for table in TABLES if table in chosen or table.name in begun
        )

    def look(self, source: Source, table: Table) -> Change | None:
        """Find out what differs; ``None`` if the database has no such table."""
        self.progress(f"{table.name}: comparing with its files")
        shape = look(
            source.connection,
            table,
            include_text=self.choices.include_text,
            all_columns=self.choices.all_columns,
        )
        if shape is None:
            return None
        since = "" if self.unfinished else self.choices.first_day()
        before = self.last.tables.get(table.name) if self.last else None
        files = before.files if before else []
        counted = comparing.count(source.connection, shape, since)
        dirty = self.unfinished | self._lost(files)
        anew = self.choices.full or (before and before.columns != shape.written)
        if anew:  # other columns: a table has one schema in all its files
            counted = (
                comparing.count(source.connection, shape, "") if since else counted
            )
            since = ""
            dirty |= {file.path for file in files}
        difference = comparing.compare(shape, counted, files, since=since, dirty=dirty)
        rows = sum(part.rows for part in difference.write)
        rows += sum(file.rows for file in difference.keep)
        change = Change(
            shape=shape,
            rows=rows,
            difference=difference,
            is_everything=not since and len(difference.write) == len(counted),
        )
        self.changes.append(change)
        return change

    def read(self, source: Source, change: Change, staging: Staging) -> None:
        """Write the files of a table that differ into the scratch folder."""
        if change.difference.write:
            change.staged.extend(
                staging.stage(
                    source.connection,
                    change.shape,
                    change.difference.write,
                    self.progress,
                    everything=change.is_everything,
                )
            )

    def publish(self) -> Iterator[str]:
        """Replace the files that differ, then the manifest; yield each path.

        Raises:
            DeployError: The destination refuses something; the next run goes on.
        """
        made = self._manifest()
        current = {f.path for table in made.tables.values() for f in table.files}
        staged = [each for change in self.changes for each in change.staged]
        dropped = {path for each in self.changes for path in each.difference.drop}
        dropped |= self.unfinished - current
        yield from publish(self.place, made, staged, dropped, self.progress)
        self.published = made

    def _before(self) -> dict[str, TableFiles]:
        return self.last.tables if self.last else {}

    def _manifest(self) -> Manifest:
        """Describe the export as it will be."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        tables = dict(self._before())
        for change in self.changes:
            files: list[File] = [
                *change.difference.keep,
                *(each.file for each in change.staged),
            ]
            columns: list[Written] = change.shape.written
            tables[change.shape.table.name] = TableFiles(
                columns=columns,
                files=sorted(files, key=lambda file: file.path),
                exported_at=now,
            )
        return Manifest(
            format=documents.FORMAT,
            stack=self._stack,
            exported_at=now,
            key_id=self.key.id,
            tables=tables,
        )

    def _lost(self, files: list[File]) -> frozenset[str]:
        """Name the files that are not there as they were written."""
        return frozenset(
            file.path for file in files if self._sizes.get(file.path) != file.bytes
        )
