"""The demo's data in a real database: what it looks like, and that it goes again."""

from typing import Any
from uuid import uuid4

import pytest

from deploy.database import connect
from deploy.demo import effects, filling, removal, rows
from deploy.demo.sizes import Sizes
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from infra.catalog.pg_crons import ARCHIVE_OLD_MESSAGES, CLEANUP_EDGE_FUNCTION_LOGS

pytestmark = pytest.mark.integration

SIZES = Sizes.of(10)


TEMPLATE = "demo_template"


@pytest.fixture(scope="module")
def filled_template(cluster):
    """A database with a demo in it; to be copied."""
    with cluster.admin() as admin:
        admin.execute(
            f"CREATE DATABASE {TEMPLATE} TEMPLATE scratch_template OWNER postgres"
        )
    url, said = cluster.url(TEMPLATE), []
    apply(url, discover(REPOSITORY / "migrations"), lambda _: None)
    with connect(url) as connection:
        rows.write_marker(connection, users=10, is_filled=False)
        filling.fill(connection, SIZES, said.append)
        rows.write_marker(connection, users=10, is_filled=True)
    assert "100 %" in said[-2]
    return TEMPLATE


@pytest.fixture(scope="module")
def looked_at(cluster, filled_template):
    """A demo that no test changes."""
    with cluster.admin() as admin:
        admin.execute(
            f"CREATE DATABASE demo_looked_at TEMPLATE {filled_template} OWNER postgres"
        )
    with connect(cluster.url("demo_looked_at")) as connection:
        connection.execute("set default_transaction_read_only = on")
        yield connection


@pytest.fixture
def filled(cluster, filled_template):
    with cluster.admin() as admin:
        admin.execute(f"CREATE DATABASE demo TEMPLATE {filled_template} OWNER postgres")
    with connect(cluster.url("demo")) as connection:
        yield connection
    with cluster.admin() as admin:
        admin.execute("DROP DATABASE demo WITH (FORCE)")


def value(conn: Any, query: str) -> Any:
    return conn.execute(query).fetchone()[0]


def test_it_looks_like_an_app_of_18_months(looked_at):
    found = rows.count(looked_at)

    assert found["auth.users"] == found["public.profiles"] == 10
    assert found["public.conversations"] == 100
    assert found["public.messages"] == pytest.approx(2_000, rel=0.02)
    assert found["public.user_memory"] == 200
    assert found["public.conversation_summaries"] > 10
    assert found["public.edge_function_logs"] == 10 * 200 // 30 * 30
    assert found["public.stripe_webhook_events"] == 50
    oldest = "select min(created_at) > now() - interval '18 months 1 day' from messages"
    assert value(looked_at, oldest)
    assert not value(
        looked_at, "select exists (select from messages where created_at > now())"
    )
    inactive = (
        "select avg((last_activity_at < now() - interval '6 months')::int)::float"
        " from conversation_activity"
    )
    assert value(looked_at, inactive) == pytest.approx(0.6, abs=0.15)


@pytest.mark.parametrize(
    "never",
    [
        """from conversations c where c.turn_count <> (select count(*) from messages m
            where m.chat_id = c.id and m.role = 'assistant')""",
        """from messages m join conversations c on c.id = m.chat_id
            where m.user_id <> c.user_id or m.created_at < c.created_at""",
        """from conversations c join auth.users u on u.id = c.user_id
            where c.created_at < u.created_at""",
        """from user_memory y join messages m on m.id = y.source_message_id
            where m.role <> 'user' or m.user_id <> y.user_id""",
        """from conversation_activity a where a.last_activity_at <> (
            select max(m.created_at) from messages m
            where m.chat_id = a.conversation_id and m.role <> 'system')""",
        "from messages m where m.created_at > now()",
        "from edge_function_logs l where l.created_at > now()",
    ],
    ids=["turns", "owner", "sign-up", "memory", "activity", "message", "log"],
)
def test_its_rows_agree_with_each_other(looked_at, never):
    assert not value(looked_at, f"select exists (select {never})")


def test_archival_and_retention_have_something_to_do(looked_at):
    archive = looked_at.execute(ARCHIVE_OLD_MESSAGES.dry_run.encode()).fetchone()
    logs = looked_at.execute(CLEANUP_EDGE_FUNCTION_LOGS.dry_run.encode()).fetchone()

    assert archive[1] >= 1  # conversations
    assert logs[2] > 1_000  # rows
    assert logs[3] == 22  # whole days of 30 that are older than 7


def test_its_users_can_write(looked_at):
    people = effects.writers(looked_at, 4)

    assert len({user for user, _ in people}) == 4


def test_removing_it_leaves_what_others_wrote(filled):
    filled.execute(
        "insert into auth.users (id, email)"
        " values (gen_random_uuid(), 'user1@example.test')"
    )
    filled.execute(
        "insert into conversations (user_id)"
        " select id from auth.users where email = 'user1@example.test'"
    )
    filled.execute(
        "insert into edge_function_logs (function_name) values ('of the app itself')"
    )
    filled.execute(
        "insert into edge_function_logs (function_name, created_at)"
        " values ('old', now() - interval '20 days')"
    )
    filled.execute("insert into system_config values ('other', '1')")

    removed = removal.remove(filled, lambda _: None)

    assert removed["public.messages"] > 1_900
    assert rows.count(filled) == {}
    assert rows.read_marker(filled) is None
    for table in ("auth.users", "conversations", "system_config"):
        assert value(filled, f"select count(*) from {table}") == 1
    assert value(filled, "select count(*) from edge_function_logs") == 2
    partitions = (
        "select count(*) from pg_inherits where"
        " inhparent = 'edge_function_logs'::regclass"
    )
    assert value(filled, partitions) == 17 + 1


def test_a_marker_says_whether_the_fill_came_to_its_end(filled):
    assert rows.read_marker(filled).is_filled is True

    rows.write_marker(filled, users=7, is_filled=False)

    there = rows.read_marker(filled)
    assert (there.users, there.is_filled) == (7, False)


def test_an_exact_count_tells_a_lost_and_a_second_answer(filled):
    user, chat = effects.writers(filled, 1)[0]
    ids = [str(uuid4()) for _ in range(3)]
    for client_msg_id, answers in zip(ids, (1, 0, 2), strict=True):
        message = filled.execute(
            "insert into messages (chat_id, role, user_id, client_msg_id)"
            " values (%s, 'user', %s, %s) returning id",
            (chat, user, client_msg_id),
        ).fetchone()[0]
        for _ in range(answers):
            filled.execute(
                "insert into messages (chat_id, role, meta) values (%s, 'assistant',"
                " jsonb_build_object('reply_to', %s::text))",
                (chat, message),
            )

    counts = effects.count_once(filled, [str(chat)] * 3, ids)

    assert counts == effects.Counts(
        accepted=3, saved_once=3, answered_once=1, answers=3
    )
    assert not counts.hold
