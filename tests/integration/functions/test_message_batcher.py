"""The batcher of the ASGI server: few statements, and nobody harms a neighbour."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import psycopg
import pytest

from functions import message_batcher
from functions.chat_send.queries import Found, Offer
from functions.message_batcher import MessageBatcher
from functions.shared.http import HttpError

pytestmark = pytest.mark.integration


@pytest.fixture
def sizes(monkeypatch) -> list[int]:
    """How many requests each statement held."""
    sizes: list[int] = []
    parameters = message_batcher.parameters

    def recorded(requests, window_s):
        sizes.append(len(requests))
        return parameters(requests, window_s)

    monkeypatch.setattr(message_batcher, "parameters", recorded)
    return sizes


def offer(chat: UUID, user: UUID, **changes: object) -> Offer:
    fields = {
        "chat_id": chat,
        "user_id": user,
        "key": uuid4(),
        "role": "user",
        "text": "Hello.",
        "is_hit": True,
        "hits_max": 60,
        "asks": True,
        "request_id": "request-of-the-test",
    }
    return Offer(**fields | changes)


def run(
    url: str, work: Callable[[MessageBatcher], Awaitable[object]], **options: int
) -> object:
    """Use a batcher, then close it."""

    async def whole() -> object:
        batcher = MessageBatcher(url, window_s=3_600, **options)
        await batcher.open()
        try:
            return await asyncio.wait_for(work(batcher), 30)
        finally:
            await asyncio.wait_for(batcher.close(), 30)

    return asyncio.run(whole())


def send_all(
    url: str, offers: list[Offer], **options: int
) -> list[Found | BaseException]:
    """Send offers at the same time, each as a request of its own."""

    async def work(batcher: MessageBatcher) -> list[Found | BaseException]:
        answers = (batcher.accept([each]) for each in offers)
        told = await asyncio.gather(*answers, return_exceptions=True)
        return [each if isinstance(each, Exception) else each[0] for each in told]

    return run(url, work, **options)


def test_requests_that_come_together_share_a_statement(app, sizes):
    users = [uuid4() for _ in range(300)]
    offers = [offer(app.conversation(user=user), user) for user in users]

    found = send_all(app.url, offers, connections=2)

    assert all(each.is_new for each in found)
    assert [each.user_id for each in found] == users
    assert sum(sizes) == 300
    assert len(sizes) <= 4
    assert app.value("select count(*) from kiloscale.outbox") == 300


def test_a_lone_request_waits_for_no_other(app, sizes):
    chat = app.conversation()

    async def one_by_one(batcher: MessageBatcher) -> None:
        for _ in range(5):
            await batcher.accept([offer(chat, app.user)])

    run(app.url, one_by_one)

    assert sizes == [1] * 5


def test_a_row_that_the_database_refuses_fails_alone(app, sizes):
    app.connection.execute(
        "alter table public.messages add constraint calm check (text <> 'AARGH')"
    )
    chat = app.conversation()
    offers = [offer(chat, app.user) for _ in range(50)]
    offers[17].text = "AARGH"

    found = send_all(app.url, offers, connections=1)

    assert isinstance(found.pop(17), psycopg.errors.CheckViolation)
    assert all(each.is_new for each in found)
    assert app.value("select count(*) from public.messages") == 49
    assert app.value("select hits from kiloscale.rate_limits") == 49
    # Halves and not one by one: one bad row costs no statement for each neighbour.
    assert len(sizes) < 20


def test_a_retry_beside_its_original_is_saved_once(app):
    original = offer(app.conversation(), app.user)
    copies = [offer(original.chat_id, app.user, key=original.key) for _ in range(40)]

    found = send_all(app.url, [original, *copies])

    assert Counter(each.is_new for each in found) == {True: 1, False: 40}
    assert len({each.id for each in found}) == 1
    assert app.value("select count(*) from public.messages") == 1
    assert app.value("select hits from kiloscale.rate_limits") == 1


def test_exactly_sixty_of_many_are_admitted(app):
    chats = [app.conversation() for _ in range(3)]
    offers = [offer(chats[n % 3], app.user) for n in range(200)]

    found = send_all(app.url, offers, connections=4)

    assert Counter(each.is_admitted for each in found) == {True: 60, False: 140}
    assert app.value("select count(*) from public.messages") == 60
    assert app.value("select hits from kiloscale.rate_limits") == 60


def test_the_answers_of_batches_of_any_size_go_to_whoever_asked(app):
    chat = app.conversation()
    requests = [
        [
            offer(chat, app.user, hits_max=None, text=f"{n}-{m}")
            for m in range(n % 4 + 1)
        ]
        for n in range(30)
    ]

    async def work(batcher: MessageBatcher) -> list[list[Found]]:
        return await asyncio.gather(*map(batcher.accept, requests))

    found = run(app.url, work)

    texts = dict(app.rows("select id, text from public.messages"))
    assert [[texts[each.id] for each in answer] for answer in found] == [
        [each.text for each in request] for request in requests
    ]


CUT = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where application_name = 'chat_send' and datname = current_database()"
)
WAITS = (
    "select from pg_locks l join pg_stat_activity a using (pid)"
    " where not l.granted and a.datname = current_database()"
)


async def until(holds: Callable[[], object]) -> None:
    for _ in range(2_000):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("waited for 10 s in vain")


def test_a_connection_cut_during_the_statement_saves_each_message_once(app):
    chat = app.conversation()
    offers = [offer(chat, app.user) for _ in range(20)]

    async def work(batcher: MessageBatcher) -> list[list[Found]]:
        await batcher.accept([offer(chat, app.user)])
        app.connection.execute("begin")
        app.connection.execute("select from kiloscale.rate_limits for update")
        answers = asyncio.gather(*(batcher.accept([each]) for each in offers))
        await until(lambda: app.rows(WAITS))
        app.rows(CUT)
        app.connection.execute("commit")
        return await answers

    found = run(app.url, work)

    assert all(each.is_new for [each] in found)
    assert app.value("select count(*) from public.messages") == 21
    assert app.value("select hits from kiloscale.rate_limits") == 21


def test_connections_cut_between_requests_are_replaced(app):
    chat = app.conversation()

    async def work(batcher: MessageBatcher) -> list[Found]:
        await asyncio.gather(
            *(batcher.accept([offer(chat, app.user)]) for _ in range(5))
        )
        app.rows(CUT)
        return await batcher.accept([offer(chat, app.user)])

    assert run(app.url, work)[0].is_new


def test_a_conversation_deleted_during_the_statement_is_not_found(app):
    chat, other = app.conversation(), app.conversation()

    async def work(batcher: MessageBatcher) -> list[list[Found]]:
        await batcher.accept([offer(other, app.user)])
        app.connection.execute("begin")
        app.connection.execute(
            "delete from public.conversations where id = %s", (chat,)
        )
        answers = asyncio.gather(
            batcher.accept([offer(chat, app.user)]),
            batcher.accept([offer(other, app.user)]),
        )
        await until(lambda: app.rows(WAITS))
        app.connection.execute("commit")
        return await answers

    [gone], [there] = run(app.url, work)

    assert (gone.user_id, gone.id) == (None, None)
    assert there.is_new


def test_a_database_that_is_away_is_said_to_each(app):
    found = send_all(f"{app.url}_gone", [offer(uuid4(), app.user) for _ in range(9)])

    assert [type(each) for each in found] == [psycopg.OperationalError] * 9


def test_whoever_comes_when_too_many_wait_is_turned_away(app):
    chat = app.conversation()

    async def work(batcher: MessageBatcher) -> list[object]:
        await batcher.accept([offer(chat, app.user)])
        app.connection.execute("begin")
        app.connection.execute("select from kiloscale.rate_limits for update")
        first = asyncio.create_task(batcher.accept([offer(chat, app.user)]))
        await until(lambda: app.rows(WAITS))
        crowd = [
            asyncio.create_task(batcher.accept([offer(chat, app.user)]))
            for _ in range(5)
        ]
        await asyncio.sleep(0)
        app.connection.execute("commit")
        return await asyncio.gather(first, *crowd, return_exceptions=True)

    told = run(app.url, work, connections=1, waiting_max=3)

    refused = [each for each in told if isinstance(each, HttpError)]
    assert [each.status for each in refused] == [503, 503]
    assert refused[0].headers == {"retry-after": "2"}
    assert app.value("select count(*) from public.messages") == 5


def test_whoever_leaves_disturbs_nobody(app):
    chat = app.conversation()

    async def work(batcher: MessageBatcher) -> list[object]:
        tasks = [
            asyncio.create_task(batcher.accept([offer(chat, app.user)]))
            for _ in range(10)
        ]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    told = run(app.url, work)

    assert [isinstance(each, asyncio.CancelledError) for each in told] == [
        True,
        False,
    ] * 5


def test_closing_waits_for_what_has_begun(app):
    chat = app.conversation()

    async def whole() -> list[list[Found]]:
        batcher = MessageBatcher(app.url, window_s=3_600)
        await batcher.open()
        answers = asyncio.gather(
            *(batcher.accept([offer(chat, app.user)]) for _ in range(30))
        )
        await asyncio.sleep(0)
        await batcher.close()
        return await answers

    assert all(each.is_new for [each] in asyncio.run(whole()))


def test_a_database_that_takes_no_writes_is_asked_once(app, sizes):
    chat = app.conversation()
    url = f"{app.url}?options=-c%20default_transaction_read_only%3Don"

    found = send_all(url, [offer(chat, app.user) for _ in range(30)], connections=1)

    assert {type(each) for each in found} == {psycopg.errors.ReadOnlySqlTransaction}
    assert len(sizes) <= 2
