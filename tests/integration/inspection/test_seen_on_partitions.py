"""What the looking tasks say of messages that db.partition has converted."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from deploy.forecast import freeing, history, measures
from deploy.inspection import foreign_keys, hot_queries, index_usage, samples
from deploy.inspection import table_sizes as sizes
from deploy.inspection.access import looking
from functions.health_check import queries as health_check
from tests.conftest import copied
from tests.integration.inspection.conftest import Look, results
from tests.integration.migrations.conversion import convert

pytestmark = pytest.mark.integration

CHATS, LENGTH = 12, 250
TEMPLATE = "seen_on_partitions"

FILL = f"""
with u as (
    insert into auth.users (id, email)
    values (gen_random_uuid(), 'a@example.test') returning id
), c as (
    insert into conversations (user_id, mode) select u.id, 'chat'
      from u, generate_series(1, {CHATS}) returning id
)
insert into messages (chat_id, role, text, created_at, status)
select c.id, 'user', repeat('x', 400), now() - interval '2 years' + n * interval '1 h',
       'complete'
  from c, generate_series(1, {LENGTH}) n;
update conversation_activity set last_activity_at = now() - interval '1 year';
insert into user_memory (user_id, source_message_id, memory_text, memory_type,
                         confidence_score)
select c.user_id, m.id, 'm', 'fact', 0.9
  from conversations c
 cross join lateral (select id from messages where chat_id = c.id
                     order by created_at limit 1) m;
"""


@pytest.fixture(scope="module")
def partitioned(cluster: Any, migrated_template: str) -> str:
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE {TEMPLATE} TEMPLATE {migrated_template} OWNER postgres"
        )
    url = cluster.url(TEMPLATE)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(FILL.encode())
    convert(url)
    convert(url, "finish")
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("vacuum (analyze)")
    return TEMPLATE


@pytest.fixture
def url(cluster: Any, partitioned: str) -> Iterator[str]:
    with copied(cluster, partitioned) as copy:
        yield copy


@pytest.fixture
def said(url: str) -> Callable[[Look], dict[str, Any]]:
    return lambda look: results(url, look)


def test_a_message_that_no_index_finds_is_still_a_whole_table_read(url, said):
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("drop index messages_chat_id_created_at_idx")
        conn.execute("drop index messages_chat_id_client_msg_id_key")

    found = said(lambda connection: hot_queries.look(connection, ""))

    window = found["the plan.memory-window"]
    assert window.status.value == "fail"
    assert "reads all of messages" in window.title
    missing = said(lambda connection: index_usage.look(connection, 14))
    assert missing["messages.messages_chat_id_created_at_idx"].status.value == "fail"


def test_an_index_that_the_planner_takes_for_a_small_table_is_no_whole_read(url, said):
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("create unique index app_key on messages (client_msg_id, chat_id)")
        conn.execute("delete from messages")
        conn.execute("vacuum (analyze) messages")

    found = said(lambda connection: hot_queries.look(connection, ""))

    assert {each.status.value for each in found.values()} <= {"pass", "skipped"}


def test_hot_queries_are_within_budget_by_indexes_of_the_table(said):
    found = said(lambda connection: hot_queries.look(connection, ""))

    assert {each.status.value for each in found.values()} <= {"pass", "skipped"}
    indexes = {
        name for each in found.values() for name in each.evidence.get("indexes", ())
    }
    assert "messages_chat_id_created_at_idx" in indexes
    assert not [name for name in indexes if name.startswith("messages_p0")]


def test_the_most_frequent_chats_of_a_large_table_come_from_its_statistics(
    url, monkeypatch
):
    monkeypatch.setattr(samples, "COUNTED_ROWS", 1000)

    with looking(url, "testing") as connection:
        picked = samples.pick(connection)

    assert len(picked.longest) == samples.LONGEST


def test_an_index_that_a_deleted_message_is_looked_for_by_is_needed(url, said):
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("alter table user_memory add column message_id uuid")
        conn.execute("create index app_idx on user_memory (message_id)")
        conn.execute(
            "insert into kiloscale.message_links values ('public.user_memory',"
            " 'user_memory_message_id_fkey', 'message_id', 'n', '')"
        )

    with looking(url, "testing") as connection:
        keys = {each.name for each in foreign_keys.read(connection)}
    found = said(lambda connection: index_usage.look(connection, 1))

    assert "user_memory_source_message_id_fkey" in keys
    assert "user_memory_message_id_fkey" in found["user_memory.app_idx"].title


def test_all_sizes_of_messages_are_the_same_size(url, said):
    table = said(sizes.look)["public.messages"].evidence
    with psycopg.connect(url, autocommit=True) as conn:
        health = {row["name"]: row for row in health_check.tables(conn).value}
        conn.execute(
            "insert into kiloscale.health_snapshots (database_bytes, detail)"
            " select * from kiloscale.health_now()"
        )
        part = history.parts(conn)["messages"]
        [stats] = conn.execute(
            "select messages_bytes, total_messages from message_archival_stats"
        ).fetchall()

    assert table["partitions"] == 4
    assert table["bytes"] == health["public.messages"]["total_bytes"] == stats[0]
    assert part.now == table["bytes"]
    assert stats[1] == health["public.messages"]["rows"] == CHATS * LENGTH
    assert not [name for name in health if "messages_p0" in name]


def test_archival_counts_what_autovacuum_analysed(url):
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "insert into messages (chat_id, role, text) select c.id, 'user', 'x'"
            " from conversations c, generate_series(1, 5)"
        )
        for n in range(4):
            conn.execute(f"analyze kiloscale.messages_p{n:03}".encode())
        total = conn.execute("select total_messages from message_archival_stats")

        assert total.fetchall() == [(CHATS * (LENGTH + 5),)]


def test_a_forecast_archives_what_a_reclaim_moves(url):
    with psycopg.connect(url, autocommit=True) as conn:
        lever = freeing.archive(measures.measured(conn, print)["archivable"], "")
        [(due,)] = conn.execute(
            "select messages_to_archive from kiloscale.preview_archive_old_messages()"
        ).fetchall()
        conn.execute("call kiloscale.run_archive_old_messages()")
        conn.execute("call kiloscale.reclaim_archived_messages()")
        [(moved,)] = conn.execute(
            "select count(*) from kiloscale.messages_archive"
        ).fetchall()
        after = measures.measured(conn, print)["archivable"]

    assert lever.bytes > 0
    assert due == CHATS * (LENGTH - 100)
    assert f", {moved:,} of them" in lever.does
    assert moved == due - CHATS
    assert after.rows[0]["messages"] == 0


def test_a_forecast_deletes_by_the_day_of_the_move(url):
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("call kiloscale.run_archive_old_messages()")
        conn.execute("call kiloscale.reclaim_archived_messages()")
        fresh = freeing.hard_delete(measures.measured(conn, print)["deletable"], "")
        conn.execute(
            "update kiloscale.messages_archive set moved_at = now() - interval '2 y'"
            " where get_byte(uuid_send(id), 0) < 128"
        )
        [(share,)] = conn.execute(
            "select avg((moved_at < now() - interval '1 y')::int)"
            " from kiloscale.messages_archive"
        ).fetchall()
        old = freeing.hard_delete(measures.measured(conn, print)["deletable"], " -s p")
        [(size,)] = conn.execute(
            "select pg_total_relation_size('kiloscale.messages_archive')"
        ).fetchall()

    assert not fresh.helps
    assert old.bytes == pytest.approx(float(share) * size)
    assert old.command == "./bootstrap db.hard-delete --months 12 --dry-run -s p"


def test_a_reclaim_does_not_ask_for_what_partitions_cannot_have(url):
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "create function app() returns trigger language plpgsql as"
            " 'begin return null; end'"
        )
        conn.execute(
            "create trigger of_the_app after delete on messages"
            " for each row execute function app()"
        )
        [found] = conn.execute(
            "select without_foreign_key, move_triggers,"
            " referencing_columns from kiloscale.forecast_reclaim()"
        ).fetchall()

    assert found == (None, "of_the_app", "public.user_memory.source_message_id")
