"""The function accept_messages: many requests in one call, each as if it were alone."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import psycopg
import pytest

pytestmark = pytest.mark.integration


def offer(r: int, chat: UUID, user: UUID | None, **changes: object) -> dict:
    fields = {
        "r": r,
        "chat_id": str(chat),
        "user_id": str(user) if user else None,
        "key": str(uuid4()),
        "role": "user",
        "text": "Hello.",
        "is_hit": True,
        "hits_max": 60,
        "asks": True,
        "request_id": f"request-{r}",
    }
    return fields | changes


def accept(app, *offers: dict, connection=None) -> list[dict]:
    [answer] = (
        (connection or app.connection)
        .execute(
            "select kiloscale.accept_messages(%s::jsonb, 3600)", (json.dumps(offers),)
        )
        .fetchone()
    )
    return answer


def counted(app) -> dict[str, int]:
    return dict(app.rows("select subject, hits from kiloscale.rate_limits"))


def test_requests_of_several_users_are_told_apart(app):
    ann, bob = uuid4(), uuid4()
    of_ann, of_bob = app.conversation(user=ann), app.conversation(user=bob)

    found = accept(
        app,
        offer(0, of_bob, bob, text="b"),
        offer(1, of_bob, ann, text="not hers"),
        offer(2, of_ann, ann, text="a"),
        offer(3, uuid4(), ann, text="nowhere"),
        offer(4, of_ann, None, text="for ann"),
    )

    assert [each["is_new"] for each in found] == [True, False, True, False, True]
    owners = [each["user_id"] for each in found]
    assert owners == [str(bob), None, str(ann), None, str(ann)]
    saved = "select m.text, m.user_id, m.id::text from public.messages m order by text"
    assert app.rows(saved) == [
        ("a", ann, found[2]["id"]),
        ("b", bob, found[0]["id"]),
        ("for ann", ann, found[4]["id"]),
    ]
    assert counted(app) == {str(ann): 2, str(bob): 1}


def test_each_message_gets_its_own_outbox_row(app):
    chats = [app.conversation() for _ in range(20)]

    found = accept(app, *(offer(n, chat, app.user) for n, chat in enumerate(chats)))

    rows = app.rows(
        "select id, payload ->> 'message_id', payload ->> 'chat_id',"
        " payload ->> 'request_id' from kiloscale.outbox order by id"
    )
    assert sorted(rows) == sorted(
        (each["outbox_id"], each["id"], str(chat), f"request-{n}")
        for n, (each, chat) in enumerate(zip(found, chats, strict=True))
    )


def test_requests_of_one_user_are_admitted_in_order_as_far_as_they_fit(app):
    chat = app.conversation()
    requests = [(0, 1), (1, 3), (2, 1), (3, 2)]  # number and messages, for 3 hits

    found = accept(
        app,
        *(
            offer(r, chat, app.user, hits_max=3, asks=False)
            for r, count in requests
            for _ in range(count)
        ),
    )

    admitted = {
        r: [each["is_admitted"] for each in found[at : at + n]]
        for (r, n), at in zip(requests, (0, 1, 4, 5), strict=True)
    }
    assert admitted == {0: [True], 1: [False] * 3, 2: [True], 3: [False] * 2}
    assert counted(app) == {str(app.user): 2}
    assert app.value("select count(*) from public.messages") == 2


def test_a_retry_in_the_same_call_finds_its_original(app):
    chat = app.conversation()
    original = offer(0, chat, app.user)

    first, again = accept(app, original, original | {"r": 1})

    assert (first["is_new"], again["is_new"]) == (True, False)
    assert first["id"] == again["id"]
    assert (again["outbox_id"], again["is_admitted"]) == (None, True)
    assert counted(app) == {str(app.user): 1}


def test_a_retry_of_a_refused_original_is_refused_with_it(app):
    chat = app.conversation()
    original = offer(0, chat, app.user, hits_max=1)
    accept(app, offer(0, chat, app.user, hits_max=1))

    found = accept(app, original, original | {"r": 1})

    assert [each["is_admitted"] for each in found] == [False, False]
    assert [each["id"] for each in found] == [None, None]


def test_without_room_what_is_stored_is_found_and_nothing_new_is_saved(app):
    chat = app.conversation()
    stored = offer(0, chat, app.user)
    accept(app, stored)

    found = accept(app, stored | {"hits_max": 0}, offer(1, chat, app.user, hits_max=0))

    assert [(each["is_admitted"], each["id"] is None) for each in found] == [
        (True, False),
        (False, True),
    ]
    assert counted(app) == {str(app.user): 1}


def test_what_another_store_admitted_is_saved_and_not_counted(app):
    chat = app.conversation()

    [found] = accept(app, offer(0, chat, app.user, hits_max=None))

    assert found["is_new"]
    assert counted(app) == {}


def test_a_row_that_the_app_refuses_leaves_nothing_of_the_call(app):
    chat = app.conversation()
    app.connection.execute(
        "alter table public.messages add constraint calm check (text <> 'AARGH')"
    )

    with pytest.raises(psycopg.errors.CheckViolation):
        accept(app, offer(0, chat, app.user), offer(1, chat, app.user, text="AARGH"))

    assert app.value("select count(*) from public.messages") == 0
    assert app.value("select count(*) from kiloscale.outbox") == 0
    assert counted(app) == {}


def test_calls_with_the_same_users_in_any_order_do_not_block_each_other(app):
    users = [uuid4() for _ in range(12)]
    chats = [app.conversation(user=user) for user in users]

    def work(seed: int) -> Counter:
        statuses: Counter = Counter()
        with psycopg.connect(app.url, autocommit=True) as connection:
            for turn in range(6):
                order = list(range(12))
                order = order[seed + turn :] + order[: seed + turn]
                if seed % 2:
                    order.reverse()
                found = accept(
                    app,
                    *(
                        offer(r, chats[at], users[at], hits_max=20)
                        for r, at in enumerate(order)
                    ),
                    connection=connection,
                )
                statuses.update(each["is_new"] for each in found)
        return statuses

    with ThreadPoolExecutor(4) as pool:
        statuses = sum(pool.map(work, range(4)), Counter())

    # 24 for each user, of which 20 fit.
    assert statuses == {True: 12 * 20, False: 12 * 4}
    assert set(counted(app).values()) == {20}


def test_what_shares_a_message_with_a_conflict_is_not_kept_either(app):
    app.connection.execute(
        "create unique index app_client_msg_id on public.messages (client_msg_id)"
    )
    chat = app.conversation()
    [elsewhere] = said = [offer(0, app.conversation(), app.user)]
    accept(app, *said)
    first = [offer(0, chat, app.user, key=elsewhere["key"]), offer(0, chat, app.user)]
    second = [first[1] | {"r": 1}, offer(1, chat, app.user)]
    third = offer(2, chat, app.user)

    found = accept(app, *first, *second, third)

    assert [each["is_new"] for each in found] == [False] * 4 + [True]
    assert [each["id"] for each in found[:4]] == [None] * 4
    assert app.value("select count(*) from public.messages") == 2
    assert app.value("select count(*) from kiloscale.outbox") == 2
    assert counted(app) == {str(app.user): 2}


def test_each_saved_message_is_announced_where_the_database_can(app):
    app.connection.execute(
        "create schema realtime; create table realtime.sent (payload jsonb, event text,"
        " topic text, private boolean); create function realtime.send(payload jsonb,"
        " event text, topic text, private boolean default true) returns void"
        " language sql as 'insert into realtime.sent values ($1, $2, $3, $4)'"
    )
    chat = app.conversation()
    stored = offer(0, chat, app.user)

    [found] = accept(app, stored)
    accept(app, stored)

    assert app.rows("select * from realtime.sent") == [
        (
            {"chat_id": str(chat), "message_id": found["id"]},
            "message",
            f"user-realtime:{app.user}",
            True,
        )
    ]


def test_columns_of_the_app_with_types_of_its_own_are_written(scratch_url):
    from deploy.migrations import apply, discover
    from deploy.paths import REPOSITORY

    user = uuid4()
    with psycopg.connect(scratch_url, autocommit=True) as connection:
        existing = REPOSITORY / "tests/integration/migrations/existing_app.sql"
        connection.execute(existing.read_bytes())
        apply(scratch_url, discover(REPOSITORY / "migrations"), lambda _: None)
        connection.execute(
            "insert into auth.users (id, email) values (%s, 'o@test.invalid')", (user,)
        )
        chat = connection.execute(
            "insert into public.conversations (user_id, mode) values (%s, 'chat')"
            " returning id",
            (user,),
        ).fetchone()[0]

        said = [offer(0, chat, user), offer(0, chat, user, role="assistant")]
        found = accept(None, *said, connection=connection)

        assert [each["is_new"] for each in found] == [True, True]
        other = connection.execute(
            "insert into public.conversations (user_id) values (%s) returning id",
            (user,),
        ).fetchone()[0]
        [taken] = accept(None, said[0] | {"chat_id": str(other)}, connection=connection)
    assert (taken["id"], taken["is_admitted"]) == (None, True)
