import threading
import time

import psycopg
import pytest

from deploy.advisory import MIGRATE
from deploy.database import connect
from deploy.errors import (
    AuthError,
    DeployError,
    HalfDoneError,
    LockedError,
    UsageError,
)
from deploy.migrations import Patience, apply, discover, plan

pytestmark = pytest.mark.integration

HISTORY = "select version, name from supabase_migrations.schema_migrations order by 1"


def test_files_are_recorded_as_the_supabase_cli_does(empty, write, migrate):
    write(1, "create table a (x int);\ncreate table b (x int);")

    (applied,) = migrate()

    assert (applied.version, applied.statements) == ("00000000000001", 2)
    row = empty.rows("select * from supabase_migrations.schema_migrations")
    assert row == [
        (
            "00000000000001",
            ["create table a (x int)", "create table b (x int)"],
            "test",
        )
    ]
    columns = empty.rows(
        "select attname::text, atttypid::regtype::text, attnotnull from pg_attribute"
        " where attrelid = 'supabase_migrations.schema_migrations'::regclass"
        " and attnum > 0 order by attnum"
    )
    assert columns == [
        ("version", "text", True),
        ("statements", "text[]", False),
        ("name", "text", False),
    ]


def test_a_second_run_does_nothing(empty, write, migrate):
    write(1, "create table a (x int);")
    migrate()

    assert migrate() == []
    assert empty.value("select count(*) from kiloscale.migration_checksums") == 1


def test_a_failing_file_is_rolled_back_and_the_error_says_where(empty, write, migrate):
    write(1, "create table a (x int);\n\nselect 1,\n  nothing;")

    with pytest.raises(DeployError) as caught:
        migrate()

    folder = write(1, "select 1;").parent.name
    assert type(caught.value) is DeployError
    assert str(caught.value) == (
        f'{folder}/00000000000001_test.sql:11: column "nothing" does not exist'
        " (SQLSTATE 42703)\n"
        "  statement: select 1,\n"
        "  the file was rolled back: nothing of it is applied"
    )
    assert caught.value.remedy == (
        f"correct {folder}/00000000000001_test.sql:11 or the data, then deploy again"
    )
    assert empty.value("select to_regclass('a')") is None
    assert empty.rows(HISTORY) == []


def test_a_failure_after_an_applied_file_is_half_done(empty, write, migrate):
    write(1, "create table a (x int);")
    write(2, "select nothing;")

    with pytest.raises(HalfDoneError):
        migrate()

    assert empty.rows(HISTORY) == [("00000000000001", "test")]


def test_an_edited_file_is_refused_with_both_checksums(empty, write, migrate):
    path = write(1, "create table a (x int);")
    migrate()
    before = discover(path.parent)[0].checksum
    write(1, "create table a (x bigint);")
    write(2, "create table b (x int);")

    with pytest.raises(DeployError) as caught:
        migrate()

    after = discover(path.parent)[0].checksum
    assert f"applied with SHA-256 {before}, the file has {after}" in str(caught.value)
    assert "00000000000001_test.sql was edited after it was applied" in str(
        caught.value
    )
    assert caught.value.remedy == f"git checkout -- {path.parent.name}/{path.name}"
    assert empty.value("select to_regclass('b')") is None


def test_what_the_supabase_cli_applied_is_adopted(empty, write, migrate, told):
    write(1, "create table a (x int);")
    empty.run(
        "create schema supabase_migrations;"
        " create table supabase_migrations.schema_migrations"
        " (version text primary key, statements text[], name text);"
        " insert into supabase_migrations.schema_migrations"
        " values ('00000000000001', null, 'test'), ('20200101000000', null, 'theirs')"
    )
    path = write(2, "create table b (x int);")

    before = plan(empty.conn, discover(path.parent))
    applied = migrate()

    assert [item.version for item in before.adopted] == ["00000000000001"]
    assert before.remote_only == ("20200101000000",)
    assert [item.version for item in applied] == ["00000000000002"]
    assert any("00000000000001_test.sql was applied by another tool" in x for x in told)
    assert any("have no file here: 20200101000000" in x for x in told)
    assert migrate() == []
    assert empty.value("select count(*) from kiloscale.migration_checksums") == 2


def test_planning_writes_nothing(empty, write):
    path = write(1, "create table a (x int);")

    with empty.conn.transaction():
        empty.run("set transaction read only")
        found = plan(empty.conn, discover(path.parent))

    assert [item.version for item in found.pending] == ["00000000000001"]
    assert empty.value("select to_regnamespace('kiloscale')") is None


def test_a_file_without_a_transaction_goes_on_where_it_failed(empty, write, migrate):
    empty.run("create table t (x int); insert into t values (1), (1)")
    body = (
        "create table once (x int);\n"
        "create unique index concurrently if not exists t_x on t (x);\n"
        "create table after (x int);"
    )
    path = write(1, body, transaction=False)

    with pytest.raises(HalfDoneError) as caught:
        migrate()
    half = plan(empty.conn, discover(path.parent)).half_done
    empty.run("delete from t")
    (applied,) = migrate()

    assert "could not create unique index" in str(caught.value)
    assert "statement 1 is applied and kept; the next run goes on with statement 2" in (
        str(caught.value)
    )
    assert half == {"00000000000001": 1}
    assert applied.statements == 2
    assert empty.value("select to_regclass('after') is not null")
    assert empty.value("select count(*) from kiloscale.migration_progress") == 0


def test_a_failed_build_leaves_no_invalid_index(empty, write, migrate, told):
    empty.run("create table t (x int); insert into t values (1), (1)")
    write(1, "create unique index concurrently t_x on t (x);", transaction=False)

    with pytest.raises(DeployError):
        migrate()

    assert empty.value("select to_regclass('t_x')") is None
    assert any("dropping the INVALID index t_x" in line for line in told)


def test_done_statements_must_not_be_edited(empty, write, migrate):
    write(1, "create table a (x int);\nselect nothing;", transaction=False)
    with pytest.raises(HalfDoneError):
        migrate()
    write(1, "create table b (x int);\nselect 1;", transaction=False)

    with pytest.raises(DeployError, match="one of its first 1 statements was edited"):
        migrate()


def make_invalid(database, name, table):
    """Leave an index as a failed concurrent build does."""
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.run(
            f"create unique index concurrently {name} on {table} ((x is not null))"
        )


def test_an_invalid_leftover_is_dropped_and_built_again(empty, write, migrate, told):
    empty.run("create table t (x int); insert into t values (1), (2)")
    make_invalid(empty, "t_x", "t")
    body = "create index concurrently if not exists t_x on public.t (x);"
    write(1, body, transaction=False)

    migrate()

    assert empty.value(
        "select indisvalid from pg_index where indexrelid = 't_x'::regclass"
    )
    assert any("t_x is INVALID, left by a failed build: dropping it" in x for x in told)


def test_an_index_that_turned_invalid_after_its_file_was_applied_is_pending_again(
    empty, write, migrate
):
    empty.run("create table t (x int); insert into t values (1), (2)")
    body = "create index concurrently if not exists t_x on public.t (x);"
    path = write(1, body, transaction=False)
    migrate()
    empty.run("drop index t_x")
    make_invalid(empty, "t_x", "t")

    pending = plan(empty.conn, discover(path.parent)).pending
    (applied,) = migrate()

    assert [item.version for item in pending] == ["00000000000001"]
    assert applied.statements == 1
    assert empty.value(
        "select indisvalid from pg_index where indexrelid = 't_x'::regclass"
    )
    assert migrate() == []


def test_an_index_that_exists_is_kept_and_reported(empty, write, migrate, told):
    empty.run("create table t (x int, y int); create index t_x on t (x, y)")
    body = "create index concurrently if not exists t_x on public.t (x);"
    write(1, body, transaction=False)

    migrate()

    assert any("index t_x exists, kept as it is: CREATE INDEX" in line for line in told)


def test_a_lock_is_waited_for_in_short_attempts_and_the_blocker_is_named(
    empty, write, migrate, told
):
    empty.run("create table t (x int)")
    write(1, "alter table t add column y int;")
    blocker = connect(empty.url, autocommit=False, application_name="report tool")
    blocker.execute("select * from t")
    pid = blocker.info.backend_pid
    slow = Patience(lock_timeout_ms=700, attempts=9, pause_s=0.2)
    timer = threading.Timer(1.0, blocker.rollback)
    timer.start()

    (applied,) = migrate(slow)
    timer.join()
    blocker.close()

    assert applied.version == "00000000000001"
    retried = [line for line in told if "attempt 1 of 9 got no lock" in line]
    assert f"blocked by backend {pid} (postgres 'report tool', idle in" in retried[0]


def test_readers_do_not_queue_for_longer_than_one_attempt(empty, write, migrate):
    empty.run("create table t (x int)")
    write(1, "alter table t add column y int;")
    blocker = connect(empty.url, autocommit=False)
    blocker.execute("select * from t")
    waits = []
    stop = threading.Event()

    def read():
        with connect(empty.url) as conn:
            while not stop.is_set():
                began = time.monotonic()
                conn.execute("select * from t")
                waits.append(time.monotonic() - began)
                time.sleep(0.01)

    reader = threading.Thread(target=read)
    reader.start()
    with pytest.raises(DeployError) as caught:
        migrate()
    stop.set()
    reader.join()
    blocker.close()

    assert "no lock in 3 attempts, blocked by backend" in str(caught.value)
    assert caught.value.remedy.startswith("select pg_terminate_backend(")
    # One attempt is 0.7 s here, and the idle holder never ends.
    assert max(waits) < 1.5
    assert empty.rows(HISTORY) == []


def test_a_second_run_is_locked_out_and_told_who_runs(empty, write, migrate):
    write(1, "select 1;")
    with connect(empty.url, application_name="kiloscale migrate ann@host") as other:
        other.execute("select pg_advisory_lock(%s, %s)", MIGRATE.key)

        with pytest.raises(LockedError) as caught:
            migrate()

    assert caught.value.exit_code == 75
    assert "kiloscale migrate ann@host, role postgres from 127.0.0.1" in str(
        caught.value
    )


def test_a_second_run_may_wait_for_the_first(empty, write, migrate, told):
    write(1, "select pg_sleep(0.6); create table a (x int);")
    write(2, "create table b (x int);")
    folder = write(1, "select pg_sleep(0.6); create table a (x int);").parent
    outcomes = []

    def run():
        patience = Patience(lock_wait_s=10)
        outcomes.append(
            apply(empty.url, discover(folder), told.append, patience=patience)
        )

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(len(outcome) for outcome in outcomes) == [0, 2]
    assert any("waiting up to 10 s for another run: backend" in line for line in told)


def test_the_supabase_transaction_pooler_is_refused_before_connecting(write):
    path = write(1, "select 1;")

    with pytest.raises(UsageError) as caught:
        apply("postgresql://app:secret@127.0.0.1:6543/x", discover(path.parent), str)

    assert "postgresql://app@127.0.0.1:6543/x is a transaction pooler" in str(
        caught.value
    )
    assert "port 5432" in caught.value.remedy


def test_the_role_s_statement_timeout_does_not_stop_a_build(empty, write, migrate):
    empty.run(
        "alter role postgres in database "
        + empty.conn.info.dbname
        + " set statement_timeout = '100ms'"
    )
    write(1, "select pg_sleep(0.3);")

    assert len(migrate()) == 1


def test_settings_of_a_file_do_not_reach_the_next_one(empty, write, migrate):
    write(1, "set search_path = pg_catalog; set statement_timeout = '1s';")
    write(2, "create table a (x int);")

    migrate()

    assert empty.value("select to_regclass('public.a') is not null")


def test_what_a_migration_raises_is_passed_on(empty, write, migrate, told):
    write(
        1,
        "do $$ begin raise notice 'seven rows'; end $$;"
        " create table if not exists pg_temp.x (y int); drop table if exists q;",
    )

    migrate()

    assert "notice: seven rows" in told
    assert not any("skipping" in line for line in told)


@pytest.fixture
def guest_url(cluster, empty):
    """The same database as a role that may only connect."""
    with cluster.admin() as admin:
        admin.execute("create role guest login password 'guest'")
    yield f"postgresql://guest:guest@{empty.url.split('@')[1]}"
    with cluster.admin() as admin:
        admin.execute("drop role guest")


def test_a_role_without_rights_is_told_which(empty, write, migrate, guest_url):
    path = write(1, "create table a (x int);")

    with pytest.raises(AuthError) as caught:
        apply(guest_url, discover(path.parent), str)

    assert caught.value.exit_code == 3
    assert "role guest in database" in str(caught.value)
    assert "writing the history of migrations: permission denied for database" in str(
        caught.value
    )


def test_a_server_that_dies_while_a_file_runs_leaves_the_question_open(
    cluster, empty, write, migrate
):
    write(1, "create table a (x int); select pg_sleep(30);")

    def end_it():
        with cluster.admin() as admin:
            while not admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where query like 'select pg_sleep%' and pid <> pg_backend_pid()"
            ).fetchall():
                time.sleep(0.05)

    killer = threading.Thread(target=end_it)
    killer.start()
    with pytest.raises(DeployError) as caught:
        migrate()
    killer.join()

    assert "the session is gone; the next run finds out what was committed" in str(
        caught.value
    )
    write(1, "create table a (x int);")
    assert len(migrate()) == 1
