"""A reclaim killed at any moment loses nothing, doubles nothing and keeps links."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace

import psycopg
import pytest

from benchmarks import cluster as throwaway
from deploy.database import connect
from deploy.demo.sizes import Sizes

pytestmark = pytest.mark.integration

CALL = "call kiloscale.reclaim_archived_messages(batch_rows => 40)"
CLIENT = (
    "import psycopg, sys;"
    f"psycopg.connect(sys.argv[1], autocommit=True).execute({CALL!r})"
)
ALL = """
with everything as (
    select to_jsonb(m) as row, m.id from public.messages m
    union all
    select to_jsonb(a) - 'moved_at', a.id from kiloscale.messages_archive a)
select count(*), count(distinct id), md5(string_agg(md5(row::text), '' order by id))
  from everything where not row ->> 'text' = 'said meanwhile'
"""
LINKS = """
select count(*), md5(string_agg(id::text || source_message_id, '' order by id))
  from public.user_memory where source_message_id is not null
"""
COUNTS_ARE_EXACT = """
select coalesce(bool_and(k.moved = n.rows), true)
  from kiloscale.archive_counts k
  full join (select chat_id, count(*) as rows from kiloscale.messages_archive
              group by chat_id) n using (chat_id)
"""
RUNNING = """
select pid from pg_locks where locktype = 'advisory' and classid = 1263095887
   and objid::bigint = (hashtext('reclaim-archived-messages')::bigint & 4294967295)
"""


def seen(url):
    with connect(url) as conn:
        return [conn.execute(query).fetchone() for query in (ALL, LINKS)]


def moved(conn):
    query = "select coalesce(sum(moved), 0) from kiloscale.archive_counts"
    return int(conn.execute(query).fetchone()[0])


def reachable(url):
    """Connect, as soon as the server is there again."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return psycopg.connect(url, autocommit=True)
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def kill_once(url, at_least, victim):
    """Begin a reclaim, and kill it when so many more messages are moved.

    Returns:
        Whether it was killed before it ended.
    """
    with reachable(url) as conn:
        goal = moved(conn) + at_least
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT, url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while moved(conn) < goal and client.poll() is None:
                time.sleep(0.001)
            running = [pid for (pid,) in conn.execute(RUNNING).fetchall()]
            pid = client.pid if victim == "client" else next(iter(running), None)
            if running and client.poll() is None:
                os.kill(pid, signal.SIGKILL)
        finally:
            with suppress(subprocess.TimeoutExpired):
                client.wait(0.2)
            if client.poll() is None:
                client.kill()
                client.wait(10)
    return bool(running)


def settled(url):
    """Wait until no run is left: a server goes on when its client is dead."""
    with reachable(url) as conn:
        while conn.execute(RUNNING).fetchone():
            time.sleep(0.05)


def prepared(progress, sizes):
    with throwaway.running(progress, sizes) as database:
        with database.connect() as conn:
            conn.execute("call kiloscale.run_archive_old_messages(1, 20)")
        yield database


@pytest.fixture
def small():
    sizes = replace(
        throwaway.SIZES, users=60, conversations=240, messages=6_000, memories=600
    )
    yield from prepared(lambda _: None, sizes)


def test_a_killed_backend_and_a_killed_client_lose_nothing(small):
    before = seen(small.url)

    killed = [
        kill_once(small.url, 200, "backend"),
        kill_once(small.url, 200, "client"),
        kill_once(small.url, 200, "backend"),
    ]
    settled(small.url)
    middle = seen(small.url)
    with reachable(small.url) as conn:
        conn.execute(CALL)
        left = conn.execute("select * from kiloscale.forecast_reclaim()").fetchone()
        chats = conn.execute("select chat_id from kiloscale.archive_counts").fetchall()
        for (chat,) in chats:
            conn.execute("select restore_conversation(%s)", [chat])

        assert moved(conn) == 0

    assert all(killed)
    assert left[0] == 0
    assert middle == seen(small.url) == before


class Meanwhile(threading.Thread):
    """An app that writes, restores and runs the job too, while it is being killed."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url = url
        self.done = threading.Event()
        self.sent = 0
        self.restored = 0
        self.unexpected = []

    def run(self):
        source = random.Random(11)
        while not self.done.is_set():
            try:
                with reachable(self.url) as conn:
                    while not self.done.is_set():
                        self.act(conn, source)
            except psycopg.OperationalError:
                continue  # the server was killed
            except Exception as error:
                self.unexpected.append(error)
                return

    def act(self, conn, source):
        chat = conn.execute(
            "select id from conversations where archived_through is not null"
            " and id > %s limit 1",
            [f"{source.getrandbits(32):08x}-0000-0000-0000-000000000000"],
        ).fetchone()
        if chat and source.random() < 0.7:
            conn.execute(
                "insert into messages (chat_id, role, text)"
                " values (%s, 'user', 'said meanwhile')",
                chat,
            )
            self.sent += 1
        elif chat:
            conn.execute("select restore_conversation(%s, false)", chat)
            conn.execute("select archive_old_messages()")
            self.restored += 1
        with suppress(psycopg.errors.LockNotAvailable):
            conn.execute("call kiloscale.run_archive_old_messages(1, 20)")
        time.sleep(0.02)


@pytest.fixture
def large():
    sizes = Sizes(
        users=300,
        conversations=2_000,
        messages=60_000,
        memories=6_000,
        logs=0,
        webhook_events=0,
    )
    yield from prepared(lambda _: None, sizes)


@pytest.mark.sweep
def test_killed_at_random_beside_an_app_nothing_is_lost(large):
    before = seen(large.url)
    source = random.Random(5)
    killed = 0
    meanwhile = Meanwhile(large.url)
    meanwhile.start()

    for _ in range(60):
        victim = source.choice(["backend", "backend", "client"])
        killed += kill_once(large.url, source.randrange(10, 1200), victim)
        settled(large.url)
        if killed >= 25:
            break
        with reachable(large.url) as conn:
            assert conn.execute(COUNTS_ARE_EXACT).fetchone() == (True,)
            if conn.execute("select * from kiloscale.forecast_reclaim()").fetchone()[0]:
                continue
            # All is moved: begin again.
            rows = conn.execute("select chat_id from kiloscale.archive_counts")
            for (chat,) in rows.fetchall():
                conn.execute("select restore_conversation(%s, false)", [chat])
    meanwhile.done.set()
    meanwhile.join(60)

    assert killed >= 20
    assert meanwhile.unexpected == []
    assert meanwhile.sent > 0
    assert meanwhile.restored > 0
    assert seen(large.url) == before
    with reachable(large.url) as conn:
        assert conn.execute(COUNTS_ARE_EXACT).fetchone() == (True,)
        query = "select count(*), count(distinct id) from messages where text = %s"
        said = conn.execute(query, ["said meanwhile"]).fetchone()
    # A commit may have been acknowledged to nobody.
    assert said[0] == said[1] >= meanwhile.sent
