"""Writers of messages that know what must be in the table afterwards."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg

Row = tuple[UUID, str, UUID | None]

INSERT = (
    "insert into messages (id, chat_id, role, text, client_msg_id)"
    " values (%s, %s, 'user', %s, %s) on conflict do nothing"
)
ROWS = "select id, chat_id, text, client_msg_id from messages"


@dataclass
class Writer:
    """One session that inserts, updates, moves and deletes rows of its own.

    Attributes:
        rows: What it has committed: chat, text and key of each message.
        waits_ms: How long each statement took.
        failures: What the database refused; nothing is.
    """

    url: str
    chats: list[UUID]
    seed: int
    pause_s: float
    rows: dict[UUID, Row] = field(default_factory=dict)
    waits_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        chance = random.Random(self.seed)
        with psycopg.connect(self.url, autocommit=True) as conn:
            while not stop.is_set():
                try:
                    self._act(conn, chance)
                except psycopg.Error as error:
                    self.failures.append(f"{error.sqlstate} {error}")
                time.sleep(self.pause_s)

    def _act(self, conn: Any, chance: random.Random) -> None:
        act = chance.choices(
            (self.insert, self.edit, self.move, self.delete, self.swap_keys),
            (5, 3, 1, 2, 1),
        )[0]
        began = time.perf_counter()
        act(conn, chance)
        self.waits_ms.append((time.perf_counter() - began) * 1000)

    def insert(self, conn: Any, chance: random.Random) -> None:
        fresh = [
            (uuid4(), chance.choice(self.chats), f"new {chance.random()}", uuid4())
            for _ in range(chance.choice((1, 1, 5)))
        ]
        # A retry of the last one: its key is there already.
        retry = (uuid4(), fresh[-1][1], "retried", fresh[-1][3])
        with conn.transaction():
            for row in (*fresh, retry):
                conn.execute(INSERT, row)
        self.rows |= {id_: (chat, text, key) for id_, chat, text, key in fresh}

    def edit(self, conn: Any, chance: random.Random) -> None:
        if id_ := self._one(chance):
            chat, _, key = self.rows[id_]
            text = f"edited {chance.random()}"
            conn.execute("update messages set text = %s where id = %s", (text, id_))
            self.rows[id_] = (chat, text, key)

    def move(self, conn: Any, chance: random.Random) -> None:
        """To another conversation: on partitions, to another table."""
        if id_ := self._one(chance):
            _, text, key = self.rows[id_]
            chat = chance.choice(self.chats)
            conn.execute("update messages set chat_id = %s where id = %s", (chat, id_))
            self.rows[id_] = (chat, text, key)

    def delete(self, conn: Any, chance: random.Random) -> None:
        if id_ := self._one(chance):
            conn.execute("delete from messages where id = %s", (id_,))
            del self.rows[id_]

    def swap_keys(self, conn: Any, chance: random.Random) -> None:
        """Free a unique key and take it with another row of that conversation."""
        if id_ := self._one(chance):
            chat, text, key = self.rows[id_]
            taker = uuid4()
            conn.execute(
                "update messages set client_msg_id = null where id = %s", (id_,)
            )
            self.rows[id_] = (chat, text, None)
            conn.execute(INSERT, (taker, chat, "took the key", key))
            self.rows[taker] = (chat, "took the key", key)

    def _one(self, chance: random.Random) -> UUID | None:
        return chance.choice(list(self.rows)) if self.rows else None


@contextmanager
def writing(
    url: str, chats: list[UUID], *, writers: int = 3, pause_s: float = 0.005
) -> Iterator[list[Writer]]:
    """Writers at work; each begins with its share of what is there."""
    team = [Writer(url, chats, seed, pause_s) for seed in range(writers)]
    with psycopg.connect(url) as conn:
        for number, (id_, *row) in enumerate(conn.execute(ROWS).fetchall()):
            team[number % writers].rows[id_] = tuple(row)
    stop = threading.Event()
    threads = [threading.Thread(target=one.run, args=(stop,)) for one in team]
    for thread in threads:
        thread.start()
    try:
        yield team
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def expected(team: list[Writer]) -> dict[UUID, Row]:
    """What all writers together have committed."""
    return {id_: row for one in team for id_, row in one.rows.items()}


def stored(url: str) -> dict[UUID, Row]:
    """What the table has; a doubled id would be seen by the count."""
    with psycopg.connect(url) as conn:
        found = conn.execute(ROWS).fetchall()
    rows = {id_: tuple(row) for id_, *row in found}
    assert len(rows) == len(found)
    return rows
