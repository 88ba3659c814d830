"""``db.index-usage`` in a real database, with indexes that are wrong in some way."""

import psycopg
import pytest

from deploy.checklist import Status
from deploy.inspection import index_usage
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from tests.integration.inspection.conftest import results

pytestmark = pytest.mark.integration


def look(connection):
    yield from index_usage.look(connection, 14)


def failed(seen):
    return {id_ for id_, each in seen.items() if each.status is Status.FAIL}


def test_nothing_is_wrong_after_the_migrations(seen):
    found = seen(look)

    assert failed(found) == set()
    assert found["messages.messages_pkey"].evidence["verdict"] == "needed"
    assert found["total.indexes"].status is Status.PASS


def test_a_duplicate_a_covered_and_an_invalid_index_are_told_with_their_commands(
    database, seen
):
    database.execute("create index twice on messages (chat_id, created_at desc)")
    database.execute("create index half on messages (chat_id)")
    database.execute('create table "Odd" (x int); insert into "Odd" values (1), (1)')
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute('create unique index concurrently "Bad" on "Odd" (x)')

    found = seen(look)

    twice = found["messages.twice"]
    assert twice.title.startswith("8.0 KiB, 0 scans, duplicate of messages_chat_id_")
    assert twice.remedy == "drop index concurrently public.twice;"
    assert "CREATE INDEX CONCURRENTLY twice ON" in twice.evidence["undo"]
    assert "covered by messages_chat_id_" in found["messages.half"].title
    assert found["Odd.Bad"].remedy == 'reindex index concurrently public."Bad";'
    assert failed(found) == {"Odd.Bad"}
    assert found["total.indexes"].evidence["droppable"] == [
        "public.half",
        "public.twice",
    ]


def test_the_commands_do_what_they_say(database, seen):
    database.execute("create index twice on messages (chat_id, created_at desc)")
    evidence = seen(look)["messages.twice"].evidence

    database.execute(evidence["drop"])

    assert "messages.twice" not in seen(look)
    database.execute(evidence["undo"])
    assert seen(look)["messages.twice"].evidence["definition"] == evidence["definition"]


def test_a_missing_index_fails_with_the_statement_of_its_migration(database, seen):
    database.execute("drop index idx_conversations_user_mode_created")

    found = seen(look)

    missing = found["conversations.idx_conversations_user_mode_created"]
    assert missing.status is Status.FAIL
    database.execute(missing.remedy)
    assert failed(seen(look)) == set()


def test_a_hot_query_that_no_index_serves_fails(database, seen):
    database.execute(
        "drop index idx_conversations_user_mode_created;"
        "alter table user_memory drop constraint user_memory_user_id_fkey;"
        "drop index user_memory_user_id_idx, idx_user_memory_profile_active"
    )

    found = failed(seen(look))

    assert "hot-queries.conversation-list" in found
    assert "hot-queries.known-memories" in found


def test_a_foreign_key_without_an_index_is_told_with_one(database, seen):
    database.execute("create table note (chat uuid references conversations)")

    found = seen(look)["foreign-keys.note_chat_fkey"]

    assert found.status is Status.PASS
    assert found.title.endswith("(0 rows, 0 B); too small to matter")
    database.execute(found.evidence["build"])
    assert "foreign-keys.note_chat_fkey" not in seen(look)


def test_a_partitioned_index_is_shown_once(database, seen):
    found = seen(look)

    logs = [id_ for id_ in found if "edge_function_logs" in id_]
    assert logs == ["edge_function_logs.edge_function_logs_pkey"]
    assert found[logs[0]].evidence["partitions"] > 7


def test_uses_are_counted(database, seen):
    database.execute("set enable_seqscan = off")
    for _ in range(3):
        database.execute("select from messages where id = gen_random_uuid()")
        database.execute("select from profiles where id = '" + "0" * 32 + "'")
    database.execute("select pg_stat_force_next_flush()")

    profiles = seen(look)["profiles.profiles_pkey"]

    assert profiles.evidence["scans"] == 3
    assert profiles.evidence["verdict"] == "used"


def test_an_app_s_own_indexes_are_judged_beside_ours(scratch_url):
    app = REPOSITORY / "tests/integration/migrations/existing_app.sql"
    with psycopg.connect(scratch_url, autocommit=True) as connection:
        connection.execute(app.read_text())
    before = results(scratch_url, look)

    apply(scratch_url, discover(REPOSITORY / "migrations"), lambda _: None)

    after = results(scratch_url, look)
    assert before["profiles.idx_profiles_email"].remedy == (
        "drop index concurrently public.idx_profiles_email;"
    )
    assert "conversations.idx_conversations_user_mode_created" in failed(before)
    assert failed(after) == set()
    assert "profiles.idx_profiles_email" not in after
    unique = after["messages.messages_client_msg_id_unique"]
    assert unique.evidence["keeps"] == ["it refuses a second row of the same key"]
