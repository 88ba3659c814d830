"""chat_send against a real PostgreSQL: once, within the limit, for the owner only."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import jwt
import psycopg
import pytest

from functions.chat_send.handler import application
from functions.chat_send.settings import Settings
from functions.shared.database import SingleConnection
from functions.shared.http import Request, Response

pytestmark = pytest.mark.integration

SECRET = "a-secret-of-the-tests-that-is-long-enough"
KEY = "internal-key-of-the-tests"


def token(user: UUID) -> str:
    claims = {"sub": str(user), "aud": "authenticated", "exp": 4_000_000_000}
    return jwt.encode(claims, SECRET, algorithm="HS256")


class Client:
    """Sends requests to the service; each thread has an environment of its own."""

    def __init__(self, url: str, user: UUID) -> None:
        self._settings = Settings.from_environ(
            {
                "DATABASE_URL": url,
                "JWT_SECRET": SECRET,
                "INTERNAL_API_KEY": KEY,
                "CHAT_LIMIT_HITS": "60",
                "CHAT_LIMIT_WINDOW_S": "3600",
                "LIMIT_STORE": "postgres",
                "EXTRACTION_POLICY": "sampled",
            }
        )
        self._user = user
        self._local = threading.local()
        self._databases: list[SingleConnection] = []

    def send(
        self, chat: UUID, *, bearer: str | None = None, **fields: object
    ) -> Response:
        if not hasattr(self._local, "application"):
            database = SingleConnection(self._settings.database_url, "chat_send")
            self._databases.append(database)
            self._local.application = application(self._settings, database)
        body = {"chat_id": str(chat), "text": "Hello.", "client_msg_id": str(uuid4())}
        request = Request(
            method="POST",
            path="/functions/v1/chat-send",
            headers={"authorization": f"Bearer {bearer or token(self._user)}"},
            body=json.dumps(body | fields).encode(),
            request_id="request-of-the-test",
        )
        return self._local.application(request)

    @property
    def connection(self) -> psycopg.Connection:
        """The connection of this thread's environment."""
        return self._databases[-1]._live()

    def close(self) -> None:
        for database in self._databases:
            database.close()


@pytest.fixture
def client(app):
    client = Client(app.url, app.user)
    yield client
    client.close()


def content(response: Response) -> dict:
    return json.loads(response.body)


def hits(app) -> int | None:
    rows = app.rows("select hits from kiloscale.rate_limits")
    return rows[0][0] if rows else None


def test_a_message_is_saved_and_enqueued_in_one_statement(app, client):
    chat = app.conversation()

    response = client.send(chat, text="How are you?")

    message_id = content(response)["message_id"]
    assert (response.status, content(response)["duplicate"]) == (201, False)
    assert app.rows(
        "select id::text, role, text, status, mode, user_id from public.messages"
    ) == [(message_id, "user", "How are you?", "complete", "chat", app.user)]
    assert app.rows("select topic, key, payload from kiloscale.outbox") == [
        (
            "llm",
            str(chat),
            {
                "message_id": message_id,
                "chat_id": str(chat),
                "user_id": str(app.user),
                "request_id": "request-of-the-test",
            },
        )
    ]


def test_a_warm_message_takes_one_round_trip(app, client, tmp_path):
    chat = app.conversation()
    client.send(chat)
    trace = tmp_path / "trace"

    with trace.open("w") as file:
        client.connection.pgconn.trace(file.fileno())
        client.send(chat)
        client.connection.pgconn.untrace()

    # libpq's own trace of the wire: time, "F" from the client, length, message type.
    lines = [line.split("\t") for line in trace.read_text().splitlines()]
    sent = [line[3] for line in lines if len(line) > 3 and line[1] == "F"]
    assert sent == ["Parse", "Bind", "Describe", "Execute", "Sync"]


def test_a_retry_gets_the_same_id_and_costs_no_hit(app, client):
    chat, message = app.conversation(), str(uuid4())

    first = client.send(chat, client_msg_id=message)
    again = client.send(chat, client_msg_id=message)

    assert (again.status, content(again)["duplicate"]) == (200, True)
    assert content(again)["message_id"] == content(first)["message_id"]
    assert app.value("select count(*) from kiloscale.outbox") == 1
    assert hits(app) == 1


def test_simultaneous_retries_leave_one_message_one_outbox_row_and_one_hit(app, client):
    chat = app.conversation()

    for _ in range(10):
        message = str(uuid4())
        barrier = threading.Barrier(8)

        def send(_: int, message=message, barrier=barrier) -> Response:
            barrier.wait()
            return client.send(chat, client_msg_id=message)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(send, range(8)))
        assert Counter(answer.status for answer in answers) == {201: 1, 200: 7}
        assert len({content(answer)["message_id"] for answer in answers}) == 1

    assert app.value("select count(*) from public.messages") == 10
    assert app.value("select count(*) from kiloscale.outbox") == 10
    assert hits(app) == 10


def test_a_retry_that_races_for_the_last_hit_is_not_refused(app, client):
    chat = app.conversation()
    for _ in range(59):
        client.send(chat)
    message = str(uuid4())

    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: client.send(chat, client_msg_id=message), range(8))
        )

    assert Counter(answer.status for answer in answers) == {201: 1, 200: 7}
    assert hits(app) == 60


def test_the_sixty_first_message_is_refused(app, client):
    chat = app.conversation()

    statuses = Counter(client.send(chat).status for _ in range(60))
    refused = client.send(chat)

    assert statuses == {201: 60}
    assert refused.status == 429
    assert 3_590 <= int(refused.headers["retry-after"]) <= 3_600
    assert refused.headers["ratelimit-limit"] == "60"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert app.value("select count(*) from public.messages") == 60


def test_eight_threads_get_exactly_sixty_messages_through(app, client):
    chat = app.conversation()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.send(chat), range(120)))

    assert Counter(answer.status for answer in answers) == {201: 60, 429: 60}
    assert app.value("select count(*) from public.messages") == 60
    assert app.value("select count(*) from kiloscale.outbox") == 60


def test_refused_messages_do_not_extend_the_window(app, client):
    chat = app.conversation()
    app.connection.execute(
        "insert into kiloscale.rate_limits values"
        " ('chat', %s, now() - interval '3595 s', 60)",
        (str(app.user),),
    )

    refused = client.send(chat)
    app.connection.execute(
        "update kiloscale.rate_limits set window_started_at = now() - interval '1 h'"
    )
    accepted = client.send(chat)

    assert (refused.status, refused.headers["retry-after"]) == (429, "5")
    assert (accepted.status, accepted.headers["ratelimit-remaining"]) == (201, "59")


def test_a_retry_is_answered_although_the_limit_is_reached(app, client):
    chat, message = app.conversation(), str(uuid4())
    client.send(chat, client_msg_id=message)
    app.connection.execute("update kiloscale.rate_limits set hits = 60")

    again = client.send(chat, client_msg_id=message)

    assert (again.status, again.headers["ratelimit-remaining"]) == (200, "0")


def test_a_foreign_conversation_and_an_unknown_one_look_alike(app, client):
    foreign = app.conversation(user=uuid4())

    answers = [client.send(foreign), client.send(uuid4())]

    assert [answer.status for answer in answers] == [404, 404]
    assert content(answers[0])["detail"] == content(answers[1])["detail"]
    assert app.value("select count(*) from public.messages") == 0
    assert hits(app) is None


def test_the_backend_writes_for_the_owner_of_the_conversation(app, client):
    chat = app.conversation()

    response = client.send(chat, bearer=KEY)

    assert response.status == 201
    assert app.value("select user_id from public.messages") == app.user
    assert app.value("select subject from kiloscale.rate_limits") == str(app.user)


def test_an_id_of_another_conversation_is_a_conflict_and_costs_no_hit(app, client):
    app.connection.execute("drop index if exists public.app_client_msg_id")
    app.connection.execute(
        "create unique index app_client_msg_id on public.messages (client_msg_id)"
    )
    message = str(uuid4())
    client.send(app.conversation(), client_msg_id=message)

    response = client.send(app.conversation(), client_msg_id=message)

    assert response.status == 409
    assert hits(app) == 1


def test_people_among_themselves_are_answered_only_on_request(app, client):
    chat = app.conversation(mode="together")

    client.send(chat)
    client.send(chat, analyze=True)

    assert app.value("select count(*) from public.messages") == 2
    assert app.value("select count(*) from kiloscale.outbox") == 1


def test_a_connection_that_was_cut_between_requests_is_replaced(app, client):
    chat = app.conversation()
    client.send(chat)
    app.connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'chat_send' and datname = current_database()"
    )

    response = client.send(chat)

    assert response.status == 201
    assert app.value("select count(*) from public.messages") == 2


def test_a_connection_cut_during_the_statement_saves_the_message_once(
    app, client, wait_until
):
    chat = app.conversation()
    client.send(chat)
    app.connection.execute("begin")
    app.connection.execute("select from kiloscale.rate_limits for update")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.send, chat)
        wait_until(
            lambda: app.rows(
                "select from pg_locks l join pg_stat_activity a using (pid)"
                " where not l.granted and a.datname = current_database()"
            )
        )
        app.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where"
            " application_name = 'chat_send' and datname = current_database()"
        )
        app.connection.execute("commit")
        response = waiting.result(timeout=10)

    assert response.status == 201
    assert app.value("select count(*) from public.messages") == 2
    assert hits(app) == 2


def test_a_database_that_is_away_is_a_503(app, client):
    gone = Client(f"{app.url}_gone", app.user)

    response = gone.send(app.conversation())

    assert response.status == 503
    assert response.headers["retry-after"] == "5"
