"""A database with two months of messages, and exports of it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import duckdb
import psycopg
import pytest

from deploy.commands import Output
from deploy.database import connect
from deploy.export import commands
from deploy.export.choices import Choices


@dataclass
class Source:
    """A database with the migrations applied."""

    url: str = field(repr=False)
    conn: psycopg.Connection[tuple[Any, ...]]

    def value(self, query: str, *values: object) -> Any:
        return self.conn.execute(query, values or None).fetchall()[0][0]

    def run(self, query: str, *values: object) -> None:
        self.conn.execute(query, values or None)

    def chat(self, user: UUID, title: str = "a title") -> UUID:
        self.run(
            "insert into auth.users (id, email) values (%s, %s) on conflict do nothing",
            user,
            f"{user}@example.test",
        )
        return self.value(
            "insert into conversations (user_id, title) values (%s, %s) returning id",
            user,
            title,
        )

    def say(self, chat: UUID, at: str, text: str = "hello") -> UUID:
        return self.value(
            "insert into messages (chat_id, role, text, created_at, user_id)"
            " select id, 'user', %s, %s, user_id from conversations where id = %s"
            " returning id",
            text,
            at,
            chat,
        )


@dataclass
class Exports:
    """Runs the task on a database and reads what it wrote."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, **options: Any) -> tuple[int, dict[str, Any]]:
        """Exit code and report of one export."""
        dry_run, yes = options.pop("dry_run", False), options.pop("yes", False)
        choices = Choices(**{"to": str(self.folder), "from_replica": True} | options)
        try:
            code = commands.export(
                "local", choices, Output(as_json=True), dry_run=dry_run, yes=yes
            )
        except SystemExit as ended:
            code = int(str(ended.code))
        return code, json.loads(self.capsys.readouterr().out)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the files; ``{messages}`` stands for those of a table."""
        tables = {
            each.name: f"read_parquet('{each}/**/*.parquet', hive_partitioning=true)"
            for each in self.folder.iterdir()
            if each.is_dir()
        }
        with duckdb.connect() as duck:
            duck.execute("set TimeZone = 'UTC'")
            return duck.execute(query.format(**tables)).fetchall()

    def ids(self) -> list[str]:
        """Ids of all exported messages, sorted, each as often as it is there."""
        return [row[0] for row in self.rows("select id from {messages} order by id")]

    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return found


@pytest.fixture
def source(migrated_url: str) -> Iterator[Source]:
    with connect(migrated_url) as conn:
        yield Source(migrated_url, conn)


@pytest.fixture
def exports(
    source: Source,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Exports:
    monkeypatch.setenv("DATABASE_REPLICA_URL", source.url)
    monkeypatch.setenv("KILOSCALE_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("KILOSCALE_EXPORT_KEY", raising=False)
    return Exports(tmp_path / "exported", capsys)


@pytest.fixture
def user() -> UUID:
    return uuid4()


@pytest.fixture
def filled(source: Source, user: UUID) -> Callable[[], list[str]]:
    """Fills two months; gives the ids of all messages that the database has."""
    chat = source.chat(user, "a secret title")
    for at in ("2026-09-30T23:59:59.999999Z", "2026-10-01T00:00:00Z", "2026-10-20Z"):
        source.say(chat, at, 'a "secret", \n text')

    def ids() -> list[str]:
        found = source.conn.execute(
            "select id::text from messages"
            " union all select id::text from kiloscale.messages_archive order by 1"
        )
        return [row[0] for row in found]

    return ids
