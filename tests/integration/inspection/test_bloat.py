"""``db.bloat`` in a real database, and the settings that it proposes."""

import psycopg
import pytest

from deploy.checklist import Status
from deploy.inspection import bloat, horizon, hot_queries, index_usage, table_sizes
from deploy.inspection.storage_settings import SETTINGS
from tests.integration.functions.poolers import PGBOUNCER, pgbouncer
from tests.integration.inspection.conftest import results

pytestmark = pytest.mark.integration


def look(connection):
    yield from bloat.look(connection, exact=False)


def test_nothing_is_wrong_after_the_migrations(seen):
    found = seen(look)

    assert {each.status for each in found.values()} == {Status.PASS}
    assert "vacuum.ids" in found


def test_a_table_that_autovacuum_does_not_reach_fails_with_the_command(database, seen):
    database.execute(
        "create table busy with (autovacuum_enabled = off)"
        " as select n, repeat('x', 100) as t from generate_series(1, 30000) n"
    )
    database.execute("select pg_stat_force_next_flush()")
    database.execute("analyze busy")
    database.execute("update busy set n = n + 1")
    database.execute("select pg_stat_force_next_flush()")
    before = seen(look)["public.busy"]

    database.execute(before.remedy)

    assert before.status is Status.FAIL
    assert before.title.startswith("30,000 dead of 60,000 rows")
    assert before.remedy == "vacuum (analyze) public.busy;"
    database.execute("select pg_stat_force_next_flush()")
    assert seen(look)["public.busy"].evidence["dead"] == 0


def test_free_space_is_estimated_near_what_it_is(database, seen):
    database.execute(
        "create table holed as select n, repeat('x', 100) as t, gen_random_uuid() as u"
        " from generate_series(1, 40000) n"
    )
    database.execute("delete from holed where n % 2 = 0")
    database.execute("vacuum (analyze) holed")

    evidence = seen(look)["public.holed"].evidence

    share = evidence["free_bytes_estimated"] / evidence["heap_bytes"]
    assert 0.45 < share < 0.55


def test_free_space_without_statistics_is_unknown_and_not_none(database, seen):
    database.execute(
        "create table fresh with (autovacuum_enabled = off)"
        " as select n, repeat('x', 200) as t from generate_series(1, 20000) n"
    )
    database.execute("create table emptied as select * from fresh")
    database.execute("delete from emptied")
    database.execute("vacuum (analyze, truncate off) emptied")
    database.execute("select pg_stat_force_next_flush()")

    found = seen(look)

    assert found["public.fresh"].evidence["free_bytes_estimated"] is None
    assert "never analysed" in found["public.fresh"].title
    assert found["public.fresh"].remedy == "analyze public.fresh;"
    emptied = found["public.emptied"].evidence
    assert emptied["free_bytes_estimated"] == emptied["heap_bytes"]


def test_statistics_that_a_role_may_not_read_are_not_said_to_be_missing(
    database, database_url, cluster
):
    database.execute(
        "create table kept as select n, repeat('x', 200) as t"
        " from generate_series(1, 20000) n"
    )
    database.execute("analyze kept")
    with cluster.admin() as admin:
        admin.execute("create role looks_only login password 'x'")
    other = psycopg.conninfo.make_conninfo(
        database_url, user="looks_only", password="x"
    )

    try:
        found = results(other, look)["public.kept"]
    finally:
        with cluster.admin() as admin:
            admin.execute("drop role looks_only")

    assert "its statistics are not ours to read" in found.title
    assert found.status is Status.PASS


def test_a_long_transaction_is_named_without_its_statement(
    database, database_url, seen, monkeypatch
):
    monkeypatch.setattr(horizon, "LONG_S", 0)
    with database.transaction():
        database.execute("select 'Dear diary'")
        found = seen(look)["vacuum.transactions"]

    assert found.status is Status.WARN
    assert "is idle in transaction for 0 s" in found.title
    assert found.remedy == f"select pg_terminate_backend({database.info.backend_pid});"
    assert "diary" not in str(found.as_json())


def test_a_table_of_the_app_without_free_space_is_given_the_command(database, seen):
    database.execute(
        "insert into auth.users (id, email) values (gen_random_uuid(), 'a@b.test');"
        "alter table conversations reset (fillfactor);"
        "insert into conversations (user_id) select u.id"
        " from auth.users u, generate_series(1, 6000) n"
    )
    for _ in range(2):
        database.execute("update conversations set updated_at = now()")
    database.execute("select pg_stat_force_next_flush()")

    lacks = seen(look)["settings.conversations"]

    assert lacks.remedy == "alter table public.conversations set (fillfactor = 80);"
    database.execute(lacks.remedy)
    assert "settings.conversations" not in seen(look)


def test_the_settings_are_those_of_the_tables_that_the_migrations_make(database):
    made = dict(
        database.execute(
            "select relname, reloptions from pg_class"
            " where relnamespace = 'public'::regnamespace and reloptions is not null"
            " and relkind = 'r'"
        ).fetchall()
    )

    told = {
        table: {f"{name}={value}" for name, value in settings.items()}
        for table, settings in SETTINGS.items()
    }
    assert told == {table: set(options) for table, options in made.items()}


def test_without_pgstattuple_the_exact_measure_is_skipped(seen):
    found = seen(lambda connection: bloat.look(connection, exact=True))

    assert found["tables.exact"].status is Status.SKIPPED
    assert found["tables.exact"].remedy == "create extension pgstattuple;"


TASKS = {
    "index-usage": lambda connection: index_usage.look(connection, 14),
    "table-sizes": table_sizes.look,
    "hot-queries": lambda connection: hot_queries.look(connection, ""),
    "bloat": look,
}


def test_each_task_looks_at_a_plain_server_without_the_migrations(plain_url):
    for look_at in TASKS.values():
        found = results(plain_url, look_at)
        assert Status.FAIL not in {each.status for each in found.values()}


@pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")
def test_each_task_looks_through_a_transaction_pooler(
    cluster, database_url, short_folder
):
    with pgbouncer(
        cluster, database_url, short_folder, mode="transaction", servers=1
    ) as pooled:
        for look_at in TASKS.values():
            found = results(pooled, look_at)
            assert Status.FAIL not in {each.status for each in found.values()}
