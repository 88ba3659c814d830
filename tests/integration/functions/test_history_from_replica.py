"""Pages come from a real replica while it is fresh, and from the primary else."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import urlencode
from uuid import uuid4

import jwt
import pytest
from replica_pair import Pair
from starlette.testclient import TestClient

from benchmarks.services.settings import variables
from deploy.local.facts import new_stack
from functions.asgi import create
from functions.read_history.handler import application
from functions.read_history.settings import Settings
from functions.shared import replicas
from functions.shared.database import SingleConnection
from functions.shared.http import Request

pytestmark = pytest.mark.integration

SECRET = "a-secret-of-the-tests-that-is-long-enough"
BOUND_S = 2


@pytest.fixture(scope="module")
def pair(short_folder):
    running = Pair(short_folder / "pair")
    yield running
    running.stop()


@pytest.fixture
def app_url(pair):
    """The app's database is the primary."""
    return pair.primary_url


class Counted(SingleConnection):
    """Counts how often it is asked."""

    asked = 0

    def run(self, work, *, repeatable):
        self.asked += 1
        return super().run(work, repeatable=repeatable)


class Reader:
    """read_history with both databases, as Lambda assembles it."""

    def __init__(self, pair, user, store="memory", bound_s=BOUND_S):
        variables = {
            "DATABASE_URL": pair.primary_url,
            "DATABASE_REPLICA_URL": pair.replica_url,
            "REPLICA_STALENESS_S": str(bound_s),
            "JWT_SECRET": SECRET,
            "API_LIMIT_HITS": "1000",
            "API_LIMIT_WINDOW_S": "3600",
            "LIMIT_STORE": store,
            "CACHE_CONVERSATION_S": "300",
            "CACHE_SUBSCRIPTION_S": "600",
            "CACHE_USAGE_S": "60",
            "CACHE_ABSENT_S": "60",
            "STACK": "test",
        }
        settings = Settings.from_environ(variables)
        self.primary = Counted(settings.database_url, "primary")
        self.replica = Counted(
            settings.database_replica_url,
            "replica",
            connect_timeout_s=replicas.CONNECT_TIMEOUT_S,
        )
        self._service = application(settings, self.primary, self.replica)
        claims = {"sub": str(user), "aud": "authenticated", "exp": 4_000_000_000}
        self._token = jwt.encode(claims, SECRET, algorithm="HS256")

    def read(self, chat):
        """Give the texts or the status, and how often each database was asked."""
        before = self.primary.asked, self.replica.asked
        request = Request(
            method="GET",
            path="/functions/v1/chat-history",
            query=urlencode({"chat_id": chat}),
            headers={"authorization": f"Bearer {self._token}"},
            request_id="request-of-the-test",
        )
        answer = self._service(request)
        found = answer.status
        if found == 200:
            found = [each["text"] for each in json.loads(answer.body)["messages"]]
        primary, replica = self.primary.asked, self.replica.asked
        return found, (primary - before[0], replica - before[1])

    def close(self):
        self.primary.close()
        self.replica.close()


@pytest.fixture
def reader(pair, app):
    made = []

    def make(**options):
        made.append(Reader(pair, app.user, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def say(app, chat, text):
    app.rows(
        "insert into public.messages (chat_id, role, text, user_id)"
        " values (%s, 'user', %s, %s) returning id",
        *(chat, text, app.user),
    )


@pytest.fixture
def chat(app, pair):
    """A conversation with one message, on both servers."""
    found = app.conversation()
    say(app, found, "first")
    pair.catch_up()
    return found


def warmed(made, chat):
    """A reader that remembers the conversation, so that only pages are asked for."""
    made.read(chat)
    return made


PRIMARY, REPLICA, BOTH, NOBODY = (1, 0), (0, 1), (1, 1), (0, 0)


def test_a_fresh_replica_answers_and_the_primary_is_not_asked(reader, chat, pair):
    client = warmed(reader(), chat)
    pair.catch_up()

    assert client.read(chat) == (["first"], REPLICA)


def test_a_replica_whose_replay_is_paused_is_left_to_the_primary(
    reader, chat, app, pair, monkeypatch
):
    monkeypatch.setattr(replicas, "STALE_PAUSE_S", 0.2)
    client = warmed(reader(), chat)
    with pair.paused_replay():
        say(app, chat, "second")
        time.sleep(BOUND_S + 0.1)

        found = client.read(chat)
        again = client.read(chat)

    assert found == (["second", "first"], BOTH)
    assert again == (["second", "first"], PRIMARY)
    time.sleep(0.2)
    pair.catch_up()
    assert client.read(chat) == (["second", "first"], REPLICA)


def test_a_conversation_that_the_replica_does_not_have_yet_is_found(
    reader, chat, app, pair
):
    client = warmed(reader(bound_s=60), chat)
    with pair.paused_replay():
        new = app.conversation()
        say(app, new, "hello")

        found, asked = client.read(new)

    assert found == ["hello"]
    assert asked == (2, 1)  # the page, and what is remembered of the conversation


def test_nobody_reads_another_user_s_conversation_on_a_replica(reader, chat, app, pair):
    of_another = app.conversation(user=uuid4())
    say(app, of_another, "private")
    pair.catch_up()

    assert warmed(reader(), chat).read(of_another) == (404, BOTH)


def test_requests_that_postgres_counts_go_to_the_primary_alone(reader, chat, pair):
    client = warmed(reader(store="postgres"), chat)
    pair.catch_up()

    assert client.read(chat) == (["first"], PRIMARY)


def test_a_replica_that_hangs_costs_one_timeout_and_not_one_a_request(
    reader, chat, pair
):
    client = warmed(reader(), chat)
    pair.catch_up()
    client.read(chat)
    with pair.replica_hangs():
        started = time.monotonic()
        found = client.read(chat)
        first_s = time.monotonic() - started
        others = [client.read(chat) for _ in range(20)]
        others_s = time.monotonic() - started - first_s

    assert found == (["first"], BOTH)
    assert others == [(["first"], PRIMARY)] * 20
    assert replicas.ANSWER_S <= first_s < replicas.ANSWER_S + 1
    assert others_s < 1


def test_a_killed_replica_is_replaced_by_the_primary_until_it_is_back(
    reader, chat, pair, monkeypatch
):
    monkeypatch.setattr(replicas, "DOWN_PAUSE_S", 0.5)
    client = warmed(reader(), chat)
    pair.catch_up()
    client.read(chat)
    pair.kill_replica()

    found = client.read(chat)
    again = client.read(chat)

    pair.start_replica()
    pair.catch_up()
    assert (found, again) == ((["first"], BOTH), (["first"], PRIMARY))
    time.sleep(0.5)
    pair.catch_up()
    assert client.read(chat) == (["first"], REPLICA)


def test_a_replica_that_was_promoted_is_no_longer_behind(reader, chat, pair):
    from functions.read_history import queries
    from functions.read_history.queries import Asked

    asked = Asked(user_id=None, chat_id=chat, created_at=None, id=None, messages=2)
    client = reader()

    rows = client.primary.run(
        lambda connection: queries.page_of_replica(connection, asked), repeatable=True
    )

    assert rows[0].staleness_s == 0


@pytest.fixture
def serve(pair, app):
    """The ASGI server with both databases."""
    local = replace(
        new_stack(pair.folder, home=pair.folder),
        jwt_secret=SECRET,
        database_url=pair.primary_url,
    )
    database = SimpleNamespace(stack=local)
    given = variables(database, url=pair.primary_url, standin_url="http://127.0.0.1:9")
    given |= {
        "LIMIT_STORE": "memory",
        "DATABASE_REPLICA_URL": pair.replica_url,
        "REPLICA_STALENESS_S": "60",
    }
    with TestClient(create(given, drains=False)) as client:
        yield client


def test_a_server_of_one_s_own_reads_from_the_replica_as_well(serve, chat, app, pair):
    claims = {"sub": str(app.user), "aud": "authenticated", "exp": 4_000_000_000}
    bearer = jwt.encode(claims, SECRET, algorithm="HS256")
    with pair.paused_replay():
        say(app, chat, "second")

        answer = serve.get(
            f"/functions/v1/chat-history?chat_id={chat}",
            headers={"authorization": f"Bearer {bearer}"},
        )

    # The bound is a minute here: what only the primary has is not there yet.
    assert [each["text"] for each in answer.json()["messages"]] == ["first"]
