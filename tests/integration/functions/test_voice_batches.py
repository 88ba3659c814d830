"""Voice batches: what was said, in order, whole or not at all, never answered again."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from chat_service import KEY, Client, content, hits, spoken, turns

pytestmark = pytest.mark.integration


@pytest.fixture
def client(app):
    client = Client(app.url, app.user)
    yield client
    client.close()


def texts(app) -> list[str]:
    query = "select text from public.messages order by created_at, id"
    return [text for (text,) in app.rows(query)]


def test_a_batch_is_saved_in_the_order_in_which_it_was_said(app, client):
    chat = app.conversation()
    said = turns(25)

    response = client.say(chat, *said)

    told = content(response)["messages"]
    assert (response.status, len(told)) == (201, 50)
    assert not any(each["duplicate"] for each in told)
    assert texts(app) == [each["text"] for each in said]
    assert app.rows(
        "select id::text, role, status, mode, user_id from public.messages"
        " order by created_at limit 2"
    ) == [
        (told[0]["message_id"], "user", "complete", "chat", app.user),
        (told[1]["message_id"], "assistant", "complete", "chat", app.user),
    ]


def test_a_batch_asks_for_no_answer_and_costs_what_the_user_said(app, client):
    response = client.say(app.conversation(), *turns(3))

    assert app.rows("select topic from kiloscale.outbox") == [("extraction",)]
    assert hits(app) == 3
    assert response.headers["ratelimit-remaining"] == "57"


def test_a_batch_without_the_user_costs_one_hit(app, client):
    client.say(
        app.conversation(), spoken("assistant", "One."), spoken("assistant", "2")
    )

    assert hits(app) == 1


def test_the_turns_of_a_batch_wait_for_their_reading_together(app):
    client = Client(app.url, app.user, EXTRACTION_POLICY="gathered")
    chat = app.conversation()

    client.say(chat, *turns(2), spoken("user", "We moved to Porto."))
    client.say(chat, spoken("user", "Thanks!"), spoken("assistant", "Welcome."))

    client.close()
    last = app.value(
        "select id::text from public.messages where text = 'We moved to Porto.'"
    )
    assert app.rows(
        "select topic, key, payload ->> 'message_id', ready_at > now()"
        " from kiloscale.outbox"
    ) == [("extraction", str(chat), last, True)]
    assert app.value("select turns_waiting from kiloscale.memory_progress") == 3


def test_a_retry_of_a_batch_finds_each_message_and_changes_nothing(app, client):
    chat, said = app.conversation(), turns(3)

    first = client.say(chat, *said)
    again = client.say(chat, *said)

    told, repeated = content(first)["messages"], content(again)["messages"]
    assert again.status == 200
    assert repeated == [each | {"duplicate": True} for each in told]
    assert app.value("select turns_waiting from kiloscale.memory_progress") == 3
    assert (hits(app), len(texts(app))) == (3, 6)


def test_a_batch_of_which_a_part_is_stored_gets_the_rest(app, client):
    chat, said = app.conversation(), turns(3)
    client.say(chat, *said[:2])

    response = client.say(chat, *said)

    told = content(response)["messages"]
    assert response.status == 201
    assert [each["duplicate"] for each in told] == [True, True] + [False] * 4
    assert texts(app) == [each["text"] for each in said]
    assert hits(app) == 3


def test_simultaneous_retries_of_a_batch_leave_one_of_each(app, client):
    chat, said = app.conversation(), turns(5)
    barrier = threading.Barrier(8)

    def say(_: int):
        barrier.wait()
        return client.say(chat, *said)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(say, range(8)))

    assert Counter(answer.status for answer in answers) == {201: 1, 200: 7}
    assert texts(app) == [each["text"] for each in said]
    assert hits(app) == 5


def test_a_batch_that_does_not_fit_is_refused_whole(app, client):
    chat, last = app.conversation(), turns(3)
    client.say(chat, *turns(25))
    client.say(chat, *turns(25))
    client.say(chat, *turns(8))

    refused = client.say(chat, *last)
    fits = client.say(chat, *last[:4])

    assert (refused.status, refused.headers["ratelimit-remaining"]) == (429, "2")
    assert 3_590 <= int(refused.headers["retry-after"]) <= 3_600
    assert (fits.status, fits.headers["ratelimit-remaining"]) == (201, "0")
    assert (hits(app), len(texts(app))) == (60, 120)


def test_a_batch_larger_than_the_limit_takes_a_whole_window(app):
    client = Client(app.url, app.user, CHAT_LIMIT_HITS="4")
    chat = app.conversation()

    taken = client.say(chat, *turns(5))
    refused = client.say(chat, *turns(1))

    client.close()
    assert (taken.status, taken.headers["ratelimit-remaining"]) == (201, "0")
    assert refused.status == 429


def test_a_batch_with_an_id_of_another_conversation_leaves_nothing(app, client):
    app.connection.execute(
        "create unique index app_client_msg_id on public.messages (client_msg_id)"
    )
    key, chat = str(uuid4()), app.conversation()
    client.send(app.conversation(), client_msg_id=key)

    response = client.say(chat, *turns(2), spoken("user", "Hm.", key), *turns(1))

    assert response.status == 409
    assert texts(app) == ["Hello."]
    assert app.rows("select topic from kiloscale.outbox") == [("llm",)]
    assert hits(app) == 1


def test_the_backend_says_a_batch_for_the_owner(app, client):
    response = client.say(app.conversation(), *turns(2), bearer=KEY)

    assert response.status == 201
    assert hits(app) == 2


def test_a_batch_for_a_foreign_conversation_is_not_found(app, client):
    response = client.say(app.conversation(user=uuid4()), *turns(1))

    assert (response.status, texts(app), hits(app)) == (404, [], None)
