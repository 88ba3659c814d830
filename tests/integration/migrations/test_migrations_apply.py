import psycopg
import pytest

from deploy.database import connect
from deploy.errors import DeployError
from deploy.migrations import apply, discover, plan
from deploy.paths import REPOSITORY
from infra.catalog.pg_crons import PG_CRON_JOBS

pytestmark = pytest.mark.integration

FOLDER = REPOSITORY / "migrations"
PLAN_INDEXES = {
    "idx_conversations_user_mode_created",
    "idx_user_memory_profile_active",
    "idx_conversation_caches_chat_id",
    "idx_conversation_summaries_latest",
}


def apply_all(database, told=None):
    report = told.append if told is not None else str
    return apply(database.url, discover(FOLDER), report)


def indexes_of(database, schema="public"):
    query = "select indexname::text, indexdef from pg_indexes where schemaname = %s"
    return dict(database.rows(query, schema))


def test_an_empty_database_gets_everything_and_a_second_run_nothing(empty):
    count = len(list(FOLDER.glob("*.sql")))

    assert len(apply_all(empty)) == count
    assert apply_all(empty) == []
    assert indexes_of(empty).keys() >= PLAN_INDEXES


def test_a_plain_database_without_supabase_roles_gets_everything(plain_url):
    with connect(plain_url) as conn:
        apply(plain_url, discover(FOLDER), str)

        assert plan(conn, discover(FOLDER)).pending == ()
        for job in PG_CRON_JOBS:
            conn.execute(job.command)
            assert conn.execute(job.dry_run).fetchone()
        note = conn.execute(
            "select detail ->> 'cron_history' from kiloscale.run_log"
            " where job = 'purge-cron-history'"
        ).fetchone()
    assert note == ("pg_cron is not installed in this database",)


def test_every_file_may_run_again_after_its_history_is_lost(app):
    app.run("truncate supabase_migrations.schema_migrations")
    app.run("truncate kiloscale.migration_checksums")
    before = indexes_of(app), indexes_of(app, "kiloscale")

    applied = apply_all(app)

    assert len(applied) == len(list(FOLDER.glob("*.sql")))
    assert (indexes_of(app), indexes_of(app, "kiloscale")) == before


def test_tables_of_the_app_keep_their_columns_and_rows(existing):
    def columns(table):
        return existing.rows(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = %s::regclass and attnum > 0 order by attnum",
            table,
        )

    tables = ("messages", "profiles", "edge_function_logs", "stripe_webhook_events")
    before = {table: columns(table) for table in tables}
    conversations = columns("conversations")

    apply_all(existing)

    assert {table: columns(table) for table in tables} == before
    assert columns("conversations")[: len(conversations)] == conversations
    assert [name for name, _ in columns("conversations")[len(conversations) :]] == [
        "archived_through",
        "archived_through_id",
        "archive_hold",
    ]
    assert existing.value("select count(*) from messages") == 130
    assert "messages_client_msg_id_unique" in indexes_of(existing)


def test_on_the_app_s_database_each_declared_command_and_probe_runs(existing):
    apply_all(existing)

    for job in PG_CRON_JOBS:
        existing.run(job.command)
        assert existing.rows(job.dry_run)

    errors = existing.rows("select job, error from kiloscale.run_log where error > ''")
    assert errors == []
    finished = existing.value(
        "select count(*) from kiloscale.run_log where finished_at is not null"
    )
    assert finished == len(PG_CRON_JOBS)


def test_an_archived_at_of_the_app_is_honoured_and_never_written(existing):
    before = existing.rows("select id, archived_at from messages order by id")
    apply_all(existing)
    chat = "00000000-0000-0000-0000-0000000000c1"

    hidden = 130 - existing.hot(chat)
    counts = existing.rows("select * from archive_old_messages()")

    assert hidden == 5
    assert counts == [(30, 1)]
    assert existing.hot(chat) == 100
    assert existing.rows("select id, archived_at from messages order by id") == before


def test_the_six_redundant_indexes_go_and_one_plain_index_stays(existing):
    apply_all(existing)

    left = indexes_of(existing)
    assert not [name for name in left if name.startswith("idx_messages_chat")]
    assert "idx_conversations_id" not in left
    assert "idx_profiles_email" not in left
    plain = [
        name
        for name, definition in left.items()
        if definition.endswith("messages USING btree (chat_id, created_at DESC)")
    ]
    assert plain == ["messages_chat_id_created_at_idx"]


def test_an_index_that_nothing_covers_is_kept_under_another_name(existing):
    existing.run("alter table profiles drop constraint profiles_email_key")
    told = []

    apply_all(existing, told)

    assert "idx_profiles_email_kept" in indexes_of(existing)
    assert any("kept as idx_profiles_email_kept" in line for line in told)


def test_a_missing_column_that_a_query_needs_stops_before_any_change(existing):
    existing.run("alter table messages drop column client_msg_id")
    existing.run("alter table messages drop constraint messages_chat_id_fkey")
    existing.run("alter table messages alter column chat_id type text")
    existing.run("alter table conversations drop column title")
    told = []

    with pytest.raises(DeployError) as caught:
        apply_all(existing, told)

    assert "2 column(s) of existing tables do not fit the queries" in str(caught.value)
    assert "public.messages.chat_id is text, needs uuid" in str(caught.value)
    assert "public.messages.client_msg_id is missing, needs uuid" in str(caught.value)
    assert any("public.conversations.title is missing" in line for line in told)
    assert existing.value("select to_regclass('public.user_memory')") is None


def test_no_index_stands_on_an_archive_column_or_on_a_bumped_counter(app):
    definitions = " ".join(indexes_of(app).values())

    assert "archived" not in definitions
    assert "reference_count" not in definitions


def test_bumping_memories_is_hot(app):
    app.run(
        "insert into user_memory (user_id, memory_text, memory_type, confidence_score)"
        " select %s, n::text, 'fact', 0.9 from generate_series(1, 60) n",
        app.user(),
    )

    app.run(
        "update user_memory set reference_count = reference_count + 1"
        " where memory_text::int <= 5"
    )
    app.run("select pg_stat_force_next_flush()")

    assert app.rows(
        "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables"
        " where relname = 'user_memory'"
    ) == [(5, 5)]


OURS = """
select format('%I.%I', n.nspname, c.relname) from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'S') and (n.nspname = 'kiloscale'
    or c.relname in ('active_messages', 'message_archival_stats'))
"""
ROUTINES = """
select p.oid::regprocedure::text from pg_proc p
where p.pronamespace = 'kiloscale'::regnamespace or p.proname in (
    'archive_old_messages', 'restore_conversation', 'hard_delete_archived_messages')
"""


@pytest.mark.parametrize("role", ["anon", "authenticated"])
def test_nobody_else_may_read_write_or_execute_anything_of_ours(app, role):
    relations = [name for (name,) in app.rows(OURS)]
    routines = [name for (name,) in app.rows(ROUTINES)]

    assert len(relations) > 20
    assert len(routines) > 25
    for name in relations:
        for right in ("select", "insert", "update", "delete"):
            if "_seq" not in name or right in ("select", "update"):
                allowed = (
                    "has_sequence_privilege"
                    if "_seq" in name
                    else "has_table_privilege"
                )
                query = f"select {allowed}(%s, %s, %s)"
                assert not app.value(query, role, name, right), f"{right} on {name}"
    for name in routines:
        query = "select has_function_privilege(%s, %s::regprocedure, 'execute')"
        assert not app.value(query, role, name), name


def test_anon_is_refused_where_the_plan_s_functions_were_open(app):
    with app.conn.transaction(force_rollback=True):
        app.run("set local role anon")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.run("select hard_delete_archived_messages(12)")


def test_tables_made_here_let_nobody_but_their_owner_in(app):
    open_tables = app.rows(
        "select oid::regclass::text from pg_class where relkind in ('r', 'p')"
        " and relnamespace in ('public'::regnamespace, 'kiloscale'::regnamespace)"
        " and not relrowsecurity"
    )
    app.run("insert into system_config values ('k', '1')")

    assert open_tables == []
    with app.conn.transaction(force_rollback=True):
        app.run("set local role anon")
        assert app.rows("select * from system_config") == []


def test_every_function_has_a_fixed_search_path_and_no_procedure_sets_one(app):
    rows = app.rows(
        "select oid::regprocedure::text, prokind::text, coalesce(proconfig::text, '')"
        f" from pg_proc where oid::regprocedure::text in ({ROUTINES})"
    )

    for name, kind, settings in rows:
        if kind == "p":  # a procedure with a SET clause may not commit
            assert settings == "", name
        else:
            assert 'search_path=""' in settings.replace("\\", ""), name


def test_code_of_a_caller_s_schema_does_not_run_in_our_functions(app):
    app.run(
        "create schema evil; create function evil.now() returns timestamptz"
        " language plpgsql as $$ begin raise exception 'evil ran'; end $$;"
        " create table evil.messages (like public.messages)"
    )
    app.run("set search_path = evil, public, pg_catalog")

    for job in PG_CRON_JOBS:
        app.run(job.command)
        app.run(job.dry_run)

    assert app.rows("select * from kiloscale.run_log where error > ''") == []


def test_deleting_a_user_reaches_the_archive_the_outbox_and_the_limits(app):
    user, other = app.user(), app.user()
    app.run("insert into profiles (id) values (%s), (%s)", user, other)
    chat = app.conversation(*range(200, 320), user=user)
    app.run("select * from archive_old_messages()")
    app.run("call kiloscale.reclaim_archived_messages()")
    app.run(
        "insert into kiloscale.outbox (topic, key, payload) values"
        " ('llm', %s, '{}'), ('llm', 'other', '{}'),"
        " ('realtime', 'x', jsonb_build_object('user_id', %s::text))",
        str(chat),
        str(user),
    )
    app.run(
        "insert into kiloscale.rate_limits values ('chat', %s, now(), 1),"
        " ('chat', %s, now(), 1)",
        str(user),
        str(other),
    )
    assert app.value("select count(*) from kiloscale.messages_archive") == 20

    app.run("delete from auth.users where id = %s", user)

    assert app.value("select count(*) from kiloscale.messages_archive") == 0
    assert app.rows("select key from kiloscale.outbox") == [("other",)]
    assert app.rows("select subject from kiloscale.rate_limits") == [(str(other),)]
