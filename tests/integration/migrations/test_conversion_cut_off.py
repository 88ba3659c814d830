"""A conversion that ends anywhere leaves logs that work, a way on and a way back."""

import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from deploy.database import connect
from deploy.logs import preparing
from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration

STAGES = ("build", "guard", "index_key", "validate")
DEFINITION = """
select array_agg(x.d order by x.d) from (
    select pg_get_indexdef(indexrelid) d from pg_index
     where indrelid = 'edge_function_logs'::regclass
    union all select pg_get_triggerdef(oid) from pg_trigger
     where tgrelid = 'edge_function_logs'::regclass and not tgisinternal
    union all select conname || pg_get_constraintdef(oid) from pg_constraint
     where conrelid = 'edge_function_logs'::regclass) x
"""
GUARDED = """
select exists (select from pg_constraint where conname ~ '^kiloscale_before_')
    or (select relkind = 'p' from pg_class where oid = 'edge_function_logs'::regclass)
"""
LEFT = "select to_regclass('kiloscale.edge_function_logs_next')"
LATER = datetime.now(UTC) + timedelta(days=5)


def stopped_after(place, stage):
    """Run the stages up to one, in a session that ends then."""
    boundary = preparing.first_day(datetime.now(UTC))
    with connect(place.url) as conn:
        conn.execute("set search_path = ''")
        for name in STAGES[: STAGES.index(stage) + 1]:
            arguments = (conn, str) if name == "index_key" else (conn, boundary, str)
            getattr(preparing, name)(*arguments)


def log(place, name, moment):
    place.run(
        "insert into public.edge_function_logs (function_name, created_at)"
        " values (%s, %s)",
        name,
        moment,
    )


def test_it_goes_on_or_back_wherever_it_was_cut_off_and_takes_every_line(
    plain, converts
):
    before = plain.value(DEFINITION)
    lines = 2880
    for stage in STAGES:
        stopped_after(plain, stage)
        log(plain, stage, LATER if stage != "build" else datetime.now(UTC))
        plain.run("call kiloscale.clean_edge_function_logs(keep_days => 3650)")
        assert converts(plain, undo=True) == 0, stage
        assert plain.value(DEFINITION) == before, stage
        assert plain.value(LEFT) is None
        # As far again, and on; lines of later days are in the new partitions.
        plain.run("delete from edge_function_logs where created_at > now()")
        stopped_after(plain, stage)
        log(plain, stage, datetime.now(UTC))
        lines += 1 if stage != "build" else 2
        assert converts(plain) == 0, stage
        assert plain.value("select count(*) from edge_function_logs") == lines
        assert converts(plain, undo=True) == 0, stage
        assert plain.value(DEFINITION) == before, stage


def test_a_table_that_was_changed_since_is_refused(plain, converts, capsys):
    stopped_after(plain, "guard")
    plain.run("alter table edge_function_logs add column added text")

    assert converts(plain) == 4

    assert "its columns were changed since" in capsys.readouterr().out
    assert converts(plain, undo=True) == 0
    assert converts(plain) == 0


def test_a_reader_who_holds_the_table_delays_it_and_no_writer_for_long(plain, converts):
    with connect(plain.url, autocommit=False) as reader, connect(plain.url) as writer:
        reader.execute("select count(*) from public.edge_function_logs")
        process = _start(plain)
        while plain.value(LEFT) is None:  # it is past what takes no lock
            assert process.poll() is None
            time.sleep(0.02)
        longest = 0.0
        for _ in range(100):
            began = time.monotonic()
            writer.execute(
                "insert into public.edge_function_logs (function_name) values ('w')"
            )
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.01)
        assert process.poll() is None
        reader.rollback()
        assert process.wait(30) == 0
    assert longest < 1.0
    assert plain.value("select count(*) from edge_function_logs") == 2980


CODE = """
import sys
from deploy.logs.preparing import prepare
from deploy.logs.swapping import swap
from deploy.migrations.session import migrating
# Its lock keeps the next call out until the server has noticed that this one is dead.
with migrating(sys.stdin.readline().strip(), str) as conn:
    conn.execute("set search_path = ''")
    swap(conn, prepare(conn, str), str)
"""


def _start(place):
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, cwd=REPOSITORY, text=True
    )
    process.stdin.write(place.url + "\n")
    process.stdin.flush()
    return process


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(25))
def test_a_conversion_that_is_killed_at_any_moment_loses_no_line(plain, converts, seed):
    chance = random.Random(seed)
    plain.run(
        "insert into edge_function_logs (function_name, created_at)"
        " select 'bulk', now() - n * interval '1 second' from "
        " generate_series(1, 60000) n"
    )
    written = plain.value("select count(*) from edge_function_logs")
    process = _start(plain)
    ends = time.monotonic() + chance.uniform(0.3, 2.5)
    while time.monotonic() < ends:
        log(plain, "while", datetime.now(UTC))
        written += 1
        time.sleep(0.005)
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.wait()
    log(plain, "after", datetime.now(UTC))
    # Before the boundary is guarded, a line of a later day would be in the way.
    guarded = plain.value(GUARDED)
    if guarded:
        log(plain, "later", LATER)
    for _ in range(100):  # the server notices that its client is gone
        if converts(plain) == 0:
            break
        time.sleep(0.1)

    assert plain.value("select count(*) from edge_function_logs") == (
        written + 1 + guarded
    )
    assert (
        plain.value(
            "select relkind::text from pg_class"
            " where oid = 'edge_function_logs'::regclass"
        )
        == "p"
    )
    with pytest.raises(psycopg.errors.UndefinedTable):
        plain.run("select from kiloscale.edge_function_logs_next")
