"""``db.forecast`` on a real PostgreSQL."""

import time

import psycopg
import pytest

from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration

MIB, GIB = 1024**2, 1024**3


def size(task) -> int:
    with psycopg.connect(task.url) as conn:
        return conn.execute("select pg_database_size(current_database())").fetchone()[0]


def test_without_a_snapshot_nothing_is_invented(task):
    code, checks = task.run()

    assert code == 0
    assert checks["history.snapshots"]["status"] == "pending"
    assert "0 h of 168 h" in checks["limits.database_bytes"]["title"]
    assert checks["next.step"]["status"] == "skipped"
    assert task.text().count("░") == 0


def test_growth_is_that_of_the_snapshots(task):
    task.fill(60)

    code, checks = task.run()

    growth = checks["growth.database"]["evidence"]
    assert code == 0
    assert growth["per_day"] / MIB == pytest.approx(10, rel=0.1)
    assert growth["per_day_low"] <= growth["per_day"] <= growth["per_day_high"]
    assert len(growth["days"]) == 365
    messages = checks["growth.messages"]["evidence"]
    assert messages["per_day"] / MIB == pytest.approx(5, rel=0.15)


def test_a_limit_that_is_near_fails_with_the_day(task):
    task.fill(30)
    near = size(task) + 300 * MIB

    code, checks = task.run(f"database_bytes={near}")
    found = checks["limits.database_bytes"]

    assert (code, found["status"]) == (7, "fail")
    reached = found["evidence"]["limit_reached"]
    assert reached["not_before"] <= reached["most_likely"] <= reached["not_after"]
    assert checks["next.step"]["remedy"].startswith("pulumi config set planDatabaseGib")


@pytest.mark.sweep
def test_four_hundred_days_of_hours_are_read_in_a_second(task, tmp_path):
    task.fill(400)
    picture = tmp_path / "growth.png"

    began = time.process_time()
    code, checks = task.run(plot=str(picture))

    assert time.process_time() - began < 5  # 0.7 s once all is imported
    assert checks["history.snapshots"]["evidence"]["snapshots"] > 9_500
    assert code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_table_and_the_plot_fit_their_columns(task):
    task.fill(20)

    shown = task.text()

    assert max(map(len, shown.splitlines())) <= 100
    assert "most likely" in shown


def test_logs_that_are_overdue_are_a_step(task):
    task.fill(30)
    with psycopg.connect(task.url, autocommit=True) as conn:
        conn.execute(
            "do $$ begin execute format('create table kiloscale"
            ".edge_function_logs_p%s partition of public.edge_function_logs"
            " for values from (%L) to (%L)',"
            " to_char(current_date - 20, 'YYYYMMDD'), current_date - 20,"
            " current_date - 19); end $$"
        )
        conn.execute(
            "insert into public.edge_function_logs (function_name, level, event,"
            " created_at) select 'x', 'info', jsonb_build_object('text',"
            " repeat('x', 500), 'n', n), current_date - 20 + interval '1 hour'"
            " from generate_series(1, 3000) n"
        )

    _, checks = task.run()

    found = checks["helps.logs"]
    assert found["status"] == "pass"
    assert found["evidence"]["bytes"] > MIB
    assert found["evidence"]["bytes"] == found["evidence"]["bytes_returned"]


def test_archivable_messages_are_counted(task):
    task.fill(30)
    with psycopg.connect(task.url, autocommit=True) as conn:
        conn.execute(
            "with u as (insert into auth.users (id, email) values"
            " (gen_random_uuid(), 'a@example.test') returning id), c as (insert into"
            " conversations (user_id) select id from u returning id) insert into"
            " messages (chat_id, role, text, created_at) select c.id, 'user',"
            " repeat('x', 200), now() - interval '1 year' + n * interval '1 minute'"
            " from c, generate_series(1, 350) n"
        )
        conn.execute(
            "update conversation_activity set last_activity_at = now()"
            " - interval '11 months'"
        )
        conn.execute("analyze")
        due = conn.execute(
            "select messages_to_archive from kiloscale.preview_archive_old_messages()"
        ).fetchone()[0]

    _, checks = task.run()

    assert due == 250
    assert f", {due} of them" in checks["helps.archive"]["title"]


@pytest.mark.sweep
def test_a_table_full_of_dead_pages_is_repacked(task):
    task.fill(30)
    with psycopg.connect(task.url, autocommit=True) as conn:
        conn.execute(
            "create table public.bloated as select n, repeat('x', 400) as text"
            " from generate_series(1, 60000) n"
        )
        conn.execute("delete from public.bloated where n % 10 > 0")
        conn.execute("vacuum (analyze, truncate off) public.bloated")

    _, checks = task.run(f"database_bytes={size(task) + 500 * MIB}")

    found = checks["helps.repack"]
    assert "public.bloated" in found["remedy"]
    assert found["evidence"]["bytes"] == pytest.approx(24 * MIB, rel=0.2)


def test_storage_is_forecast_from_its_objects(task):
    task.fill(30)
    with psycopg.connect(task.url, autocommit=True) as conn:
        conn.execute("create schema if not exists storage")
        conn.execute(
            "create table storage.objects (created_at timestamptz, metadata jsonb)"
        )
        conn.execute(
            "insert into storage.objects select now() - n * interval '1 hour',"
            " '{\"size\": 1048576}' from generate_series(0, 24 * 60) n"
        )

    _, checks = task.run("storage_bytes=4GiB")

    found = checks["limits.storage_bytes"]["evidence"]
    assert found["now"] == (24 * 60 + 1) * MIB
    assert found["limit_reached"]["most_likely"] is not None


def test_a_database_without_our_schema_says_what_to_run(forecasting, scratch_url):
    code, checks = forecasting(scratch_url).run()

    assert code == 4
    [failed] = checks.values()
    assert "migrations are not applied" in failed["title"]
    assert failed["remedy"] == "./bootstrap deploy --only migrations,crons"


@pytest.mark.sweep
def test_a_plain_server_is_forecast_as_well(forecasting, plain_url):
    apply(plain_url, discover(REPOSITORY / "migrations"), lambda _: None)
    task = forecasting(plain_url)
    task.fill(30)

    code, checks = task.run()

    assert code == 0
    assert checks["growth.database"]["status"] == "pass"


def test_a_step_of_today_is_seen_before_the_next_snapshot(task):
    task.fill(30, base=-400 * MIB)

    _, checks = task.run()

    growth = checks["growth.database"]["evidence"]
    assert growth["now"] == pytest.approx(size(task), abs=MIB)
    assert growth["per_day"] > 0
    assert growth["days"][0]["low"] > size(task) - 100 * MIB
