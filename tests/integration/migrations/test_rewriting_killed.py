"""A run that is killed at any batch loses nothing, and the next one goes on."""

import random
import threading
import time

import psycopg
import pytest

from benchmarks import cluster as throwaway
from deploy.database import connect
from deploy.demo.sizes import Sizes

pytestmark = pytest.mark.integration

OLD = "https://abc.supabase.co/storage/v1/object/public/generated-images/"
NEW = "https://cdn.example.com/storage/v1/object/public/generated-images/"
CALL = "call kiloscale.rewrite_urls('public.pictures', 'url', '{}', false, {})"
SEEN = "select count(*), md5(string_agg(id || url, ',' order by id)) from pictures"
FILL = """
create table pictures (id uuid primary key default gen_random_uuid(), url text);
insert into pictures (url) select '{old}' || case n % 3 when 0 then 'a%20' when 1
    then 'b%2d' else '' end || n || '.png?t=' || n from generate_series(1, {rows}) n;
select kiloscale.set_cdn('https://cdn.example.com', 'https://abc.supabase.co', '{{}}',
    '{{generated-images}}');
"""
RUNNING = """
select pid from pg_locks where locktype = 'advisory' and classid = 1263095887
   and objid::bigint = (hashtext('cdn.rewrite-urls')::bigint & 4294967295)
"""
STATE = "select last_key, changed, finished_at from kiloscale.cdn_rewrite_state"
CONSISTENT = """
select (select count(*) from pictures where url like 'https://cdn%'),
    (select count(*) from kiloscale.cdn_rewrites w join pictures p
        on p.id::text = w.row_key ->> 0 and p.url = w.new_value),
    (select count(*) from kiloscale.cdn_rewrites)
"""


def call(url, target, rows):
    """Run it in a thread; gives the thread and what stopped it."""
    stopped = []

    def run():
        try:
            with connect(url) as conn:
                conn.execute(CALL.format(target, rows))
        except psycopg.Error as error:
            stopped.append(error.sqlstate)
        except Exception as error:
            stopped.append(repr(error))

    thread = threading.Thread(target=run)
    thread.start()
    return thread, stopped


def kill_once(url, target, rows, more):
    """End a run's backend once it changed so many more rows; tell whether it was."""
    count = "select count(*) from kiloscale.cdn_rewrites"
    with connect(url) as conn:
        before = conn.execute(count).fetchone()[0]
        thread, stopped = call(url, target, rows)
        while thread.is_alive():
            if abs(conn.execute(count).fetchone()[0] - before) >= more:
                for (pid,) in conn.execute(RUNNING).fetchall():
                    conn.execute("select pg_terminate_backend(%s)", (pid,))
                break
            time.sleep(0.001)
        thread.join(60)
        while conn.execute(RUNNING).fetchone():
            time.sleep(0.01)
        moved, logged, kept = conn.execute(CONSISTENT).fetchone()
    assert set(stopped) <= {"57P01"}
    assert moved == logged == kept  # each batch is done, with its way back, or is not
    return bool(stopped)


def test_two_kills_on_the_way_there_and_back_lose_nothing(app):
    app.run(FILL.format(old=OLD, rows=800))
    before = app.rows(SEEN)

    killed = [kill_once(app.url, "cdn", 20, 40) for _ in range(2)]
    reached, changed, finished = app.rows(STATE)[0]
    app.run(CALL.format("cdn", 20))
    moved = app.value("select count(*) from pictures where url like %s", f"{NEW}%")
    looked = app.value("select looked_at from kiloscale.cdn_rewrite_state")
    killed += [kill_once(app.url, "undo", 20, 40) for _ in range(2)]
    app.run(CALL.format("undo", 20))

    assert all(killed)
    assert reached
    assert 80 <= changed < 800
    assert finished is None
    assert moved == looked == 800  # no row was looked at twice
    assert app.rows(SEEN) == before
    assert app.value("select count(*) from kiloscale.cdn_rewrites") == 0


def test_a_row_that_is_written_meanwhile_keeps_what_was_written(app):
    app.run(FILL.format(old=OLD, rows=50))
    one = app.value("select id from pictures order by id offset 25 limit 1")
    with connect(app.url, autocommit=False) as other:
        other.execute("update pictures set url = 'https://x/y' where id = %s", (one,))
        thread, stopped = call(app.url, "cdn", 100)
        waiting = "select count(*) from pg_locks where not granted"
        while not app.value(waiting):
            time.sleep(0.005)
        reads = app.value("select count(*) from pictures where url like %s", f"{OLD}%")
        other.commit()
        thread.join(30)

    assert stopped == []
    assert reads == 50  # readers wait for nobody
    assert app.value("select url from pictures where id = %s", one) == "https://x/y"
    assert app.value("select count(*) from kiloscale.cdn_rewrites") == 49


def test_a_second_run_beside_the_first_is_refused(app):
    app.run(FILL.format(old=OLD, rows=10))
    with connect(app.url) as other:
        other.execute("select kiloscale.take_job_lock('cdn.rewrite-urls', true)")

        with pytest.raises(psycopg.errors.LockNotAvailable, match="already running"):
            app.run(CALL.format("cdn", 100))


@pytest.fixture
def large():
    sizes = Sizes(
        users=10,
        conversations=20,
        messages=200,
        memories=20,
        logs=0,
        webhook_events=0,
    )
    with throwaway.running(lambda _: None, sizes) as database:
        yield database.url


@pytest.mark.sweep
def test_killed_at_random_it_is_whole_and_comes_back(large):
    source = random.Random(7)
    with connect(large) as conn:
        for statement in FILL.format(old=OLD, rows=30_000).split(";\n"):
            if statement.strip():
                conn.execute(statement)
        before = conn.execute(SEEN).fetchone()
        for target in ("cdn", "undo"):
            killed = 0
            for _ in range(60):
                more = source.randrange(1, 2_000)
                stopped = kill_once(large, target, source.choice([50, 200, 500]), more)
                killed += stopped
                if not stopped:
                    break
            assert killed >= 12
            moved = conn.execute(CONSISTENT).fetchone()[0]
            assert moved == (30_000 if target == "cdn" else 0)

        assert conn.execute(SEEN).fetchone() == before
