"""read_history against a real PostgreSQL: pages, owners, the limit, its caches."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

import jwt
import psycopg
import pytest

from functions.read_history import queries
from functions.read_history.handler import application
from functions.read_history.settings import Settings
from functions.shared.database import SingleConnection
from functions.shared.http import Request, Response

pytestmark = pytest.mark.integration

SECRET = "a-secret-of-the-tests-that-is-long-enough"
KEY = "internal-key-of-the-tests"
START = datetime(2025, 11, 1, 12, tzinfo=UTC)


def token(user: UUID) -> str:
    claims = {"sub": str(user), "aud": "authenticated", "exp": 4_000_000_000}
    return jwt.encode(claims, SECRET, algorithm="HS256")


class CountedDatabase(SingleConnection):
    """Counts the statements, each of which is a round trip in autocommit mode."""

    statements = 0

    def run(self, work, *, repeatable):
        class Counted:
            def __getattr__(_, name):  # noqa: N805
                if name in ("execute", "cursor"):
                    self.statements += 1
                return getattr(self._live(), name)

        return super().run(lambda _: work(Counted()), repeatable=repeatable)


class Client:
    def __init__(self, url: str, user: UUID, **changes: str) -> None:
        settings = Settings.from_environ(
            {
                "DATABASE_URL": url,
                "JWT_SECRET": SECRET,
                "INTERNAL_API_KEY": KEY,
                "API_LIMIT_HITS": "1000",
                "API_LIMIT_WINDOW_S": "3600",
                "LIMIT_STORE": "postgres",
                "CACHE_CONVERSATION_S": "300",
                "CACHE_SUBSCRIPTION_S": "600",
                "CACHE_USAGE_S": "60",
                "CACHE_ABSENT_S": "60",
                "STACK": "test",
            }
            | changes
        )
        self.database = CountedDatabase(settings.database_url, "read_history")
        self._application = application(settings, self.database)
        self._user = user

    def ask(self, query: str, bearer: str = "") -> Response:
        request = Request(
            method="GET",
            path="/functions/v1/chat-history",
            query=query,
            headers={"authorization": f"Bearer {bearer or token(self._user)}"},
            request_id="request-of-the-test",
        )
        return self._application(request)

    def read(self, chat: UUID, bearer: str = "", **parameters: object) -> Response:
        return self.ask(urlencode({"chat_id": chat, **parameters}), bearer)


@pytest.fixture
def connect(app):
    made: list[Client] = []

    def make(user: UUID | None = None, **changes: str) -> Client:
        made.append(Client(app.url, user or app.user, **changes))
        return made[-1]

    yield make
    for client in made:
        client.database.close()


@pytest.fixture
def client(connect):
    return connect()


def content(response: Response) -> dict:
    return json.loads(response.body)


def texts(response: Response) -> list[str]:
    assert response.status == 200, response.body
    return [message["text"] for message in content(response)["messages"]]


def fill(app, chat: UUID, count: int, *, seconds: float = 1) -> None:
    """Save messages ``m0`` to ``m<count - 1>``, oldest first."""
    with app.connection.cursor() as cursor:
        cursor.executemany(
            "insert into public.messages (chat_id, role, text, created_at, user_id)"
            " values (%s, %s, %s, %s, %s)",
            [
                (
                    chat,
                    "assistant" if number % 2 else "user",
                    f"m{number}",
                    START + timedelta(seconds=number * seconds),
                    app.user,
                )
                for number in range(count)
            ],
        )


def pages(client: Client, chat: UUID, limit: int) -> list[list[str]]:
    """Read page after page to the end."""
    found: list[list[str]] = []
    more: dict[str, object] = {}
    while True:
        response = client.read(chat, limit=limit, **more)
        found.append(texts(response))
        cursor = content(response)["next"]
        if cursor is None:
            return found
        more = {"before": cursor}


def test_a_page_has_the_newest_messages_first(app, client):
    chat = app.conversation()
    fill(app, chat, 3)

    page = content(client.read(chat))

    assert page["conversation"] == {
        "id": str(chat),
        "title": "test",
        "mode": "chat",
        "profile_id": None,
    }
    assert [message["text"] for message in page["messages"]] == ["m2", "m1", "m0"]
    assert page["messages"][1]["role"] == "assistant"
    assert page["messages"][1]["created_at"] == "2025-11-01T12:00:01Z"
    assert page["next"] is None
    assert "account" not in page


@pytest.mark.parametrize("seconds", [1, 0], ids=["in turn", "all at one moment"])
def test_pages_give_each_message_once(app, client, seconds):
    chat = app.conversation()
    fill(app, chat, 23, seconds=seconds)

    found = pages(client, chat, 10)

    assert [len(page) for page in found] == [10, 10, 3]
    assert sorted(text for page in found for text in page) == sorted(
        f"m{number}" for number in range(23)
    )


def test_a_full_last_page_has_no_cursor(app, client):
    chat = app.conversation()
    fill(app, chat, 4)

    assert pages(client, chat, 2) == [["m3", "m2"], ["m1", "m0"]]


def test_new_messages_do_not_move_the_pages_behind_a_cursor(app, client):
    chat = app.conversation()
    fill(app, chat, 6)
    cursor = content(client.read(chat, limit=2))["next"]
    before = texts(client.read(chat, limit=2, before=cursor))

    app.rows(
        "insert into public.messages (chat_id, role, text) values"
        " (%s, 'user', 'new') returning id",
        chat,
    )

    assert texts(client.read(chat, limit=2, before=cursor)) == before == ["m3", "m2"]


def test_archived_messages_are_not_read(app, client):
    chat = app.conversation()
    fill(app, chat, 5)
    app.connection.execute(
        "update public.conversations c set archived_through = m.created_at,"
        " archived_through_id = m.id from public.messages m"
        " where m.chat_id = c.id and m.text = 'm2'"
    )

    assert pages(client, chat, 1) == [["m4"], ["m3"]]


def test_an_empty_conversation_has_an_empty_page(app, client):
    page = content(client.read(app.conversation()))

    assert (page["messages"], page["next"]) == ([], None)


def test_another_users_conversation_is_as_unknown_as_none(app, connect, client):
    chat = app.conversation()
    fill(app, chat, 2)
    client.read(chat)

    strange = connect(uuid4()).read(chat)
    unknown = client.read(uuid4())

    assert (strange.status, unknown.status) == (404, 404)
    assert content(strange) == content(unknown)
    assert b"m0" not in strange.body


def test_one_environment_never_gives_a_user_what_it_remembers_of_another(app, client):
    chat = app.conversation()
    fill(app, chat, 2)

    own = client.read(chat, account="true")
    strange = client.read(chat, token(uuid4()), account="true")

    assert (own.status, strange.status) == (200, 404)


def test_the_backend_reads_any_conversation_without_a_limit(app, connect):
    chat = app.conversation()
    fill(app, chat, 2)
    client = connect(API_LIMIT_HITS="1")

    answers = [client.read(chat, KEY) for _ in range(3)]

    assert [texts(each) for each in answers] == [["m1", "m0"]] * 3
    assert "ratelimit-limit" not in answers[0].headers
    assert app.rows("select hits from kiloscale.rate_limits") == []


def test_a_deleted_conversation_is_gone_although_it_is_remembered(app, client):
    chat = app.conversation()
    client.read(chat)

    app.connection.execute("delete from public.conversations where id = %s", (chat,))

    assert client.read(chat).status == 404


def test_a_conversation_that_was_given_away_is_the_old_owners_no_more(app, client):
    chat = app.conversation()
    fill(app, chat, 1)
    client.read(chat)
    other = app.person(uuid4())

    app.connection.execute(
        "update public.conversations set user_id = %s where id = %s", (other, chat)
    )

    assert client.read(chat).status == 404


def test_a_warm_page_is_one_statement(app, client):
    chat = app.conversation()
    fill(app, chat, 3)
    client.read(chat, account="true")
    before = client.database.statements

    client.read(chat, account="true")

    assert client.database.statements - before == 1


@pytest.mark.parametrize("statement", [queries.PAGE, queries.PAGE_AND_HIT])
def test_a_page_reads_the_index_from_the_cursor_on_and_no_more(app, statement):
    chat = app.conversation()
    fill(app, chat, 2_000)
    app.connection.execute("analyze public.messages")
    parameters = {
        "user_id": app.user,
        "chat_id": chat,
        "created_at": START + timedelta(seconds=1_000),
        "id": uuid4(),
        "messages": 51,
        "scope": "api",
        "subject": str(app.user),
        "hits_max": 1_000,
        "window_s": 3_600,
    }

    explain = "explain (analyze, timing off, format json) "
    plan = app.connection.execute(explain + statement, parameters).fetchone()[0]

    scans = [node for node in nodes(plan[0]["Plan"]) if "Scan" in node["Node Type"]]
    [messages] = [node for node in scans if node.get("Relation Name") == "messages"]
    assert messages["Index Name"] == "messages_chat_id_created_at_idx"
    assert messages["Actual Rows"] <= 53
    assert messages.get("Rows Removed by Filter", 0) <= 1


def nodes(plan: dict) -> list[dict]:
    """A node of a plan and all below it."""
    return [plan, *(each for part in plan.get("Plans", []) for each in nodes(part))]


def test_the_account_is_told_if_it_is_asked_for(app, client):
    chat = app.conversation()
    app.connection.execute(
        "insert into public.profiles (id, subscription_plan, subscription_status,"
        " subscription_active) values (%s, 'pro', 'active', true)",
        (app.user,),
    )
    app.connection.execute(
        "insert into public.feature_usage (user_id, chat_messages, images_generated,"
        " last_reset_date) values (%s, 12, 2, '2025-11-01')",
        (app.user,),
    )

    account = content(client.read(chat, account="true"))["account"]

    assert account == {
        "subscription": {"plan": "pro", "status": "active", "active": True},
        "usage": {
            "chat_messages": 12,
            "images_generated": 2,
            "therai_calls": 0,
            "insights_count": 0,
            "last_reset_date": "2025-11-01",
        },
    }


def test_an_account_without_rows_is_null_and_asked_for_once(app, client):
    chat = app.conversation()
    client.read(chat, account="true")
    before = client.database.statements

    account = content(client.read(chat, account="true"))["account"]

    assert account == {"subscription": None, "usage": None}
    assert client.database.statements - before == 1


def test_an_app_without_these_tables_has_null_instead(app, client):
    chat = app.conversation()
    app.connection.execute(
        "alter table public.feature_usage rename column user_id to x"
    )
    app.connection.execute("drop table public.profiles")

    account = content(client.read(chat, account="true"))["account"]

    assert account == {"subscription": None, "usage": None}


@pytest.mark.parametrize("store", ["postgres", "memory"])
def test_the_limit_is_told_and_holds(app, connect, store):
    client = connect(LIMIT_STORE=store, API_LIMIT_HITS="2")
    chat = app.conversation()
    fill(app, chat, 1)

    answers = [client.read(chat) for _ in range(3)]

    assert [each.status for each in answers] == [200, 200, 429]
    assert [each.headers["ratelimit-remaining"] for each in answers] == ["1", "0", "0"]
    assert answers[0].headers["ratelimit-limit"] == "2"
    assert 3_590 <= int(answers[2].headers["retry-after"]) <= 3_600
    assert content(answers[2])["title"] == "Too many requests"


def test_asking_for_what_is_not_there_counts_as_well(app, connect):
    client = connect(API_LIMIT_HITS="2")

    statuses = [client.read(uuid4()).status for _ in range(3)]

    assert statuses == [404, 404, 429]


def test_the_limit_in_redis_costs_the_database_nothing(app, connect, redis_server):
    client = connect(LIMIT_STORE="redis", REDIS_URL=redis_server.url)
    chat = app.conversation()

    answer = client.read(chat)

    assert answer.headers["ratelimit-remaining"] == "999"
    assert app.rows("select hits from kiloscale.rate_limits") == []


def test_without_redis_each_environment_counts_for_itself(app, connect):
    client = connect(
        LIMIT_STORE="redis", REDIS_URL="redis://127.0.0.1:9/0", API_LIMIT_HITS="1"
    )
    chat = app.conversation()

    assert [client.read(chat).status for _ in range(2)] == [200, 429]


def test_a_query_that_is_not_the_documented_one_is_refused(app, client):
    answer = client.ask(f"chat_id={app.conversation()}&limit=0")

    assert answer.status == 400
    assert content(answer)["title"] == "Invalid parameter"


def test_a_page_leaves_the_session_as_it_is(app, client):
    # Behind a transaction pooler the session is the next one's.
    chat = app.conversation()
    client.read(chat)
    client.database._live().execute("set synchronous_commit = remote_write")

    client.read(chat)

    mode = client.database._live().execute("show synchronous_commit").fetchone()
    assert mode == ("remote_write",)


def test_a_cold_environment_reads_the_same_in_two_statements(app, connect):
    chat = app.conversation()
    fill(app, chat, 2)
    client = connect()

    assert texts(client.read(chat)) == ["m1", "m0"]
    assert client.database.statements == 2


def test_hits_and_misses_are_written_as_metrics(app, connect, capsys):
    client = connect(METRICS_NAMESPACE="Kiloscale/test")
    chat = app.conversation()

    for _ in range(3):
        client.read(chat, account="true")

    # At most one line a minute: it tells of the first request.
    [line] = capsys.readouterr().out.splitlines()
    counts = json.loads(line)
    assert (counts["Stack"], counts["Service"]) == ("test", "read_history")
    assert counts["ConversationCacheMisses"] == 1
    assert counts["SubscriptionCacheMisses"] == 1
    assert counts["UsageCacheHits"] == 0


def test_a_database_that_is_away_is_a_503(connect):
    client = connect(DATABASE_URL="postgresql://127.0.0.1:9/none")

    answer = client.read(uuid4())

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


def test_a_page_is_repeated_after_a_connection_died(app, client):
    chat = app.conversation()
    fill(app, chat, 1)
    client.read(chat)
    with psycopg.connect(app.url, autocommit=True) as other:
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'read_history'"
        )

    assert texts(client.read(chat)) == ["m0"]
