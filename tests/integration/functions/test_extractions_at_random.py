"""Readings whose connections die and whose leases run out at any moment."""

import json
import random
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import UUID

import psycopg
import pytest
from extraction_service import Service, memory, outbox, progress, turn

from functions.extract_memory.conversations import Limit
from functions.shared.prompts import Prompt
from functions.shared.providers.interface import Completion

pytestmark = pytest.mark.integration

TURNS = 25
WRITERS = 2
KILL_EVERY_S = 0.04
EXPIRE_EVERY_S = 0.25

KILL = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where application_name = 'extract_memory' and datname = current_database()"
    " order by random() limit 1"
)
DUE = (
    "select key, array_agg(id) from kiloscale.outbox"
    " where topic = 'extraction' and (ready_at <= now() or %s) group by key"
)


class AttentiveModel:
    """Notes each message of the user, after a moment."""

    def complete(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        time.sleep(random.uniform(0, 0.05))
        said = re.findall(r"\[(\d+)\*?\] user: (\S+)", prompt.turns[0].text)
        noted = [memory(f"Has box {text} at home.", int(n)) for n, text in said]
        return Completion(text=json.dumps(noted), model=model)


def test_each_message_has_its_memory_once_whatever_dies(app):
    chats = [app.conversation() for _ in range(2)]
    writing, killing = threading.Event(), threading.Event()

    def write(number: int) -> None:
        with psycopg.connect(app.url, autocommit=True) as connection:
            for each in range(TURNS):
                text = f"{number}x{each}"
                turn(connection, chats[each % 2], app.user, text, turns_max=4)

    def read() -> None:
        service = Service(app.url)
        service.model = AttentiveModel()
        service.limit = Limit(10_000, 86_400)
        service.keeps_connection = True
        with closing(service), psycopg.connect(app.url, autocommit=True) as connection:
            while True:
                is_last = writing.is_set()
                found = connection.execute(DUE, (is_last,)).fetchall()
                if is_last and not found:
                    return
                for key, ids in found:
                    try:
                        service.extract(UUID(key), *ids)
                    except psycopg.OperationalError:
                        continue  # killed; the queue would deliver it again
                time.sleep(0.01)

    def disturb() -> None:
        with psycopg.connect(app.url, autocommit=True) as connection:
            expire_at = 0.0
            while not killing.wait(KILL_EVERY_S):
                connection.execute(KILL)
                if time.monotonic() < expire_at:
                    continue
                expire_at = time.monotonic() + EXPIRE_EVERY_S
                connection.execute("update kiloscale.outbox set leased_until = null")
                connection.execute(
                    "update kiloscale.memory_progress set reading_until = null"
                )

    with ThreadPoolExecutor(8) as pool:
        disturber = pool.submit(disturb)
        readers = [pool.submit(read) for _ in range(3)]
        for writer in [pool.submit(write, number) for number in range(WRITERS)]:
            writer.result()
        writing.set()
        for reader in readers:
            reader.result()
        killing.set()
        disturber.result()

    assert app.rows(
        "select count(*), count(distinct source_message_id), max(reference_count)"
        " from public.user_memory"
    ) == [(WRITERS * TURNS, WRITERS * TURNS, 0)]
    assert [progress(app, chat)[:2] for chat in chats] == [(0, 0), (0, 0)]
    assert outbox(app) == []
