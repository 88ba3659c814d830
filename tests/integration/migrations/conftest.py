"""A database with all migrations applied, and what a test needs to fill it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from deploy.database import connect
from deploy.migrations import Patience, apply, discover

HURRIED = Patience(lock_timeout_ms=700, attempts=3, pause_s=0.1)


@dataclass
class Database:
    """One database as role postgres sees it."""

    url: str = field(repr=False)  # holds the password
    conn: psycopg.Connection[tuple[Any, ...]]

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self.conn.execute(query, values or None).fetchall()

    def value(self, query: str, *values: object) -> Any:
        return self.rows(query, *values)[0][0]

    def run(self, query: str, *values: object) -> None:
        self.conn.execute(query, values or None)

    def user(self) -> UUID:
        return self.value(
            "insert into auth.users (id, email) values (%s, %s) returning id",
            uuid := uuid4(),
            f"{uuid}@example.test",
        )

    def conversation(
        self,
        *ages_days: float,
        active_days: float | None = None,
        user: UUID | None = None,
    ) -> UUID:
        """A conversation with a message of each age; active when the newest is."""
        chat = self.value(
            "insert into conversations (user_id) values (%s) returning id",
            user or self.user(),
        )
        now = datetime.now(UTC)
        with self.conn.cursor() as cursor:
            cursor.executemany(
                "insert into messages (chat_id, role, text, created_at)"
                " values (%s, 'user', %s, %s)",
                [
                    (chat, f"{days} days old", now - timedelta(days=days))
                    for days in ages_days
                ],
            )
        newest = min(ages_days, default=0) if active_days is None else active_days
        self.run(
            "insert into conversation_activity (conversation_id, last_activity_at)"
            " values (%s, %s)",
            chat,
            now - timedelta(days=newest),
        )
        return chat

    def hot(self, chat: UUID) -> int:
        """How many messages of a conversation are above its watermark."""
        return self.value(
            "select count(*) from active_messages where chat_id = %s", chat
        )


@pytest.fixture
def app(migrated_url: str) -> Iterator[Database]:
    """A fresh database with all migrations."""
    with connect(migrated_url) as conn:
        yield Database(migrated_url, conn)


@pytest.fixture
def empty(scratch_url: str) -> Iterator[Database]:
    """A fresh database without any migration."""
    with connect(scratch_url) as conn:
        yield Database(scratch_url, conn)


@pytest.fixture
def existing(empty: Database) -> Database:
    """The app's database before Kiloscale."""
    empty.run((Path(__file__).parent / "existing_app.sql").read_text())
    return empty


@pytest.fixture
def told() -> list[str]:
    """What a run reports; pass `told.append`."""
    return []


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes one migration file, and gives its path."""

    def write_file(version: int, body: str, *, transaction: bool = True) -> Path:
        path = tmp_path / f"{version:014d}_test.sql"
        none = "" if transaction else "-- Transaction: none\n"
        path.write_text(
            "-- Test.\n--\n-- Phase: expand\n-- Locks: none\n"
            f"{none}-- Reversal: none\n-- Follow-up: none\n\n{body}\n"
        )
        return path

    return write_file


@pytest.fixture
def migrate(
    empty: Database, tmp_path: Path, told: list[str]
) -> Callable[..., list[Any]]:
    """Applies the files that `write` wrote to `empty`, without much patience."""

    def migrate_now(patience: Patience = HURRIED) -> list[Any]:
        return apply(empty.url, discover(tmp_path), told.append, patience=patience)

    return migrate_now


@pytest.fixture
def plain(app: Database) -> Database:
    """All migrations, and the app's own plain table of logs."""
    app.run((Path(__file__).parent / "plain_logs.sql").read_text())
    return app


@pytest.fixture
def deploys_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Database], None]:
    """Makes stack local a database of the test, with records of its own."""
    from deploy.deployment import Deployment

    def choose(database: Database) -> None:
        monkeypatch.setattr(Deployment, "database_url", lambda _: database.url)
        monkeypatch.setattr(Deployment, "records", tmp_path)

    return choose


@pytest.fixture
def converts(deploys_to: Callable[[Database], None]) -> Callable[..., int]:
    """Runs ``db.convert-logs`` on a database; gives its exit code."""
    from deploy import commands, log_commands

    def convert(
        database: Database, *, undo: bool = False, dry_run: bool = False
    ) -> int:
        deploys_to(database)
        out = commands.Output(as_json=True)
        try:
            return log_commands.convert(
                "local", out, undo=undo, dry_run=dry_run, yes=True
            )
        except SystemExit as ended:
            return int(str(ended.code))

    return convert


@pytest.fixture
def deletes(deploys_to: Callable[[Database], None]) -> Callable[..., int]:
    """Runs ``user.delete`` on a database; gives its exit code."""
    from deploy import commands, user_commands

    def delete(
        database: Database, user: object, *, allow: str = "", dry_run: bool = False
    ) -> int:
        deploys_to(database)
        out = commands.Output(as_json=True)
        chosen = (str(user), "", allow)
        try:
            return user_commands.delete("local", chosen, out, dry_run=dry_run, yes=True)
        except SystemExit as ended:
            return int(str(ended.code))

    return delete
