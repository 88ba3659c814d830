"""chat_send against a real PostgreSQL: once, within the limit, for the owner only."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import jwt
import pytest
from chat_service import KEY, SECRET, Client, content, hits

from functions.shared.http import Response

pytestmark = pytest.mark.integration


@pytest.fixture
def client(app):
    client = Client(app.url, app.user)
    yield client
    client.close()


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


def test_sixteen_threads_get_exactly_sixty_messages_through(app, client):
    chat = app.conversation()

    with ThreadPoolExecutor(16) as pool:
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


def test_what_the_assistant_said_is_taken_from_the_backend_alone(app, client):
    chat = app.conversation()
    service_key = jwt.encode(
        {"role": "service_role", "exp": 4_000_000_000}, SECRET, algorithm="HS256"
    )

    refused = client.send(chat, role="assistant")
    taken = [
        client.send(chat, role="assistant", bearer=bearer)
        for bearer in (KEY, service_key)
    ]

    assert (refused.status, content(refused)["title"]) == (403, "Role not allowed")
    assert [answer.status for answer in taken] == [201, 201]
    assert (
        app.rows("select role, user_id from public.messages")
        == [("assistant", app.user)] * 2
    )
    # Nobody is asked to answer it, and it is no message of the user's.
    assert app.value("select count(*) from kiloscale.outbox") == 0
    assert hits(app) == 0


def test_a_message_of_the_mode_together_says_so_itself(app, client):
    chat = app.conversation()

    client.send(chat, mode="together")
    client.send(app.conversation(mode="together"), mode="chat")

    assert app.rows("select mode from public.messages order by created_at") == [
        ("together",),
        ("chat",),
    ]
    assert app.value("select count(*) from kiloscale.outbox") == 1


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
