"""An app that keeps inserting messages, and how long each insert takes."""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.cluster import Database

WRITERS = 1
PAUSE_S = 0.004
"""A writer with this pause makes about 150 inserts a second, 20 times what 400
simultaneous users of the plan send. More would fill two cores by themselves."""

CHATS = """
select c.id from public.conversations c
  join public.conversation_activity a on a.conversation_id = c.id
 where a.last_activity_at > now() - interval '1 month' limit 500
"""
INSERT = """
insert into public.messages (chat_id, role, text, client_msg_id)
values (%s, 'user', 'I slept badly and the week has only begun.', gen_random_uuid())
"""


@dataclass(kw_only=True)
class Inserts:
    """Inserts that ended: when each began, and its seconds, by the same clock."""

    seen: list[tuple[float, float]] = field(default_factory=list)

    def between(self, start: float, end: float) -> Sequence[float]:
        """Give the seconds of those that overlap a span of time."""
        return [
            seconds
            for began, seconds in list(self.seen)
            if began < end and began + seconds > start
        ]


@contextmanager
def inserting(database: Database) -> Iterator[Inserts]:
    """Insert until the block ends."""
    inserts = Inserts()
    done = threading.Event()
    problems: list[Exception] = []
    with database.connect() as connection:
        chats = [str(id) for (id,) in connection.execute(CHATS.encode()).fetchall()]

    def insert(first: int) -> None:
        try:
            with database.connect() as own:
                own.prepare_threshold = 0
                for number in itertools.count(first, WRITERS):
                    if done.is_set():
                        return
                    began = time.perf_counter()
                    own.execute(INSERT, [chats[number % len(chats)]])
                    inserts.seen.append((began, time.perf_counter() - began))
                    time.sleep(PAUSE_S)
        except Exception as error:
            problems.append(error)

    threads = [
        threading.Thread(target=insert, args=[first], daemon=True)
        for first in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield inserts
    finally:
        done.set()
        for thread in threads:
            thread.join()
    if problems:
        raise problems[0]
