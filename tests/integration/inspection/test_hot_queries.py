"""``db.hot-queries`` on real rows, read-only."""

import json

import psycopg
import pytest

from deploy.checklist import Status
from deploy.inspection import hot_queries, samples
from deploy.inspection.access import looking
from deploy.inspection.hot_paths import HOT_PATHS

pytestmark = pytest.mark.integration

SECRET = "Dear diary, I told nobody"

FILL = f"""
insert into auth.users (id, email) select gen_random_uuid(), n || '@example.test'
  from generate_series(1, 5) n;
insert into conversations (user_id, profile_id)
select u.id, u.id from auth.users u, generate_series(1, 20) n;
insert into messages (chat_id, role, text, client_msg_id, created_at)
select c.id, 'user', '{SECRET}', gen_random_uuid(), now() - n * interval '1 minute'
  from conversations c, generate_series(1, 10) n;
insert into messages (chat_id, role, text, client_msg_id, created_at)
select c.id, 'user', '{SECRET}', gen_random_uuid(), now() - n * interval '1 minute'
  from (select id from conversations order by id desc limit 1) c,
       generate_series(1, 300) n;
insert into user_memory (user_id, profile_id, memory_text, memory_type,
    confidence_score)
select u.id, u.id, '{SECRET}', 'fact', 1 from auth.users u, generate_series(1, 30) n;
analyze;
"""


def look(connection):
    yield from hot_queries.look(connection, "")


def test_all_are_within_budget_on_real_rows(database, seen):
    database.execute(FILL)

    found = seen(look)

    paths = [r for id_, r in found.items() if not id_.startswith("top.")]
    assert len(paths) == len(HOT_PATHS)
    assert [each.title for each in paths if each.status is Status.FAIL] == []
    window = found["the plan.memory-window"].evidence
    assert window["rows"] == 8
    assert window["indexes"]
    assert window["samples"] == samples.LONGEST


def test_the_longest_conversation_is_picked_by_count_and_by_statistics(
    database, database_url, monkeypatch
):
    database.execute(FILL)
    [(longest,)] = database.execute(
        "select chat_id from messages group by 1 order by count(*) desc limit 1"
    )

    for counted in (samples.COUNTED_ROWS, 0):
        monkeypatch.setattr(samples, "COUNTED_ROWS", counted)
        with looking(database_url, "testing") as connection:
            assert samples.pick(connection).longest[0].chat_id == longest


def test_nothing_of_what_a_user_wrote_is_shown(database, seen):
    database.execute(FILL)

    shown = json.dumps([each.as_json() for each in seen(look).values()], default=str)

    assert SECRET not in shown
    assert "diary" not in shown


def test_an_empty_database_is_planned_and_passes(seen):
    found = seen(look)

    window = found["the plan.memory-window"]
    assert window.status is Status.PASS
    assert window.title.startswith("planned, there are no rows")


def test_a_query_without_its_index_fails_on_small_tables_too(database, seen):
    database.execute(FILL)
    database.execute("drop index idx_conversations_user_mode_created")

    found = seen(look)["the plan.conversation-list"]

    assert found.status is Status.FAIL
    assert "no index serves it" in found.title


def test_one_query_is_explained_with_its_plan(database, database_url):
    database.execute(FILL)

    with looking(database_url, "testing") as connection:
        [found] = hot_queries.look(connection, "memory-window")

    assert "Index Scan using messages_chat_id_" in found.title
    assert SECRET not in found.title


def test_a_database_without_the_migrations_is_told_what_it_lacks(scratch_url):
    with looking(scratch_url, "testing") as connection:
        found = {each.id: each for each in look(connection)}["queries.all"]

    assert found.status is Status.SKIPPED
    assert "lacks messages, conversations, user_memory" in found.title
    assert found.remedy == "./bootstrap deploy --only migrations"


def test_a_query_whose_table_is_missing_is_skipped_and_the_others_are_tried(
    database, seen
):
    database.execute("drop schema kiloscale cascade")

    found = seen(look)

    reach = found["llm_handler.history-reach"]
    assert reach.status is Status.SKIPPED
    assert 'schema "kiloscale" does not exist' in reach.title
    assert found["the plan.memory-window"].status is Status.PASS


def test_looking_cannot_write(database_url):
    with (
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
        looking(database_url, "testing") as connection,
    ):
        connection.execute("delete from public.messages")
