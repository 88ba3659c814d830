"""The proofs: what a message and an image must do, and what must be refused."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import psycopg

from deploy.checklist import Result, Status
from deploy.database import connect, explained
from deploy.local.facts import LocalStack
from deploy.smoke import image, memory
from deploy.smoke.gateway import Answer, Gateway
from deploy.smoke.person import Person, remove_forgotten, sign, synthetic, traces
from infra.catalog.limits import CHAT_MESSAGES
from infra.catalog.services import CHAT_SEND, READ_HISTORY

QUEUED = "select count(*) from kiloscale.outbox where key = %s::text and topic = 'llm'"

SAID = "I wonder what a smoke test proves."
"""Said by a person of themselves: a question alone is not read for memories."""

ANSWER_WAIT_S = 30.0
"""Time for outbox, queue and model; a cold start with the SDK takes most of it."""

SENDERS = 4
"""Simultaneous requests of the limit proof: enough to race, few enough for 2 cores."""

MESSAGE = (
    "select count(*) filter (where role = 'user'),"
    " count(*) filter (where role = 'assistant')"
    " from public.messages where chat_id = %s"
)


def issuer(stack: LocalStack) -> str:
    """Give the ``iss`` of the stack's tokens."""
    return f"{stack.supabase_url}/auth/v1"


def refusals(stack: LocalStack) -> Iterator[Result]:
    """Show that a bad token and a bad body are refused; neither writes anything."""
    with Gateway(stack) as gateway:
        yield bad_token(gateway, issuer(stack))
        yield bad_body(gateway, issuer(stack), stack.jwt_secret)


def bad_token(gateway: Gateway, iss: str) -> Result:
    """Show that a token of another secret is refused."""
    forged = sign(uuid4(), "not-the-secret-" + "x" * 32, iss)
    refused = gateway.request(CHAT_SEND, token=forged, body=_body(uuid4(), "hello"))
    return _expect(
        "functions.bad-token",
        refused,
        401,
        "a forged token is refused",
        remedy=gateway.remedy,
    )


def bad_body(gateway: Gateway, iss: str, secret: str) -> Result:
    """Show that a malformed body is refused, of a stranger who may write."""
    token = sign(uuid4(), secret, iss)
    refused = gateway.request(CHAT_SEND, token=token, body=b'{"chat_id": 7')
    return _expect(
        "functions.bad-body",
        refused,
        400,
        "a malformed body is refused",
        remedy=gateway.remedy,
    )


def messages(stack: LocalStack, progress: Callable[[str], None]) -> Iterator[Result]:
    """Show the path of a message with a synthetic user, and that no row is left."""
    with (
        connect(stack.database_url) as connection,
        explained(connection, "proving the functions"),
    ):
        if forgotten := remove_forgotten(connection):
            progress(f"removed {forgotten} synthetic users of interrupted runs")
        with (
            Gateway(stack) as gateway,
            synthetic(connection, stack.jwt_secret, issuer(stack)) as person,
        ):
            memory.wake(stack)
            # Made smaller while the message is answered.
            picture = image.ask(stack, connection, person.user)
            yield from _path(gateway, connection, person, progress)
            # Read while the limit is proved: the model's SDK takes a second to load.
            asked = memory.ask(stack, connection, person.chat)
            progress(f"sending {CHAT_MESSAGES.hits + 1} messages to meet the limit")
            yield _limit(gateway, connection, person)
            yield memory.remembered(connection, person, asked=asked)
            yield image.compressed(connection, person, picture)
        left = traces(connection, person)
        if objects := image.clear(picture.storage):
            left["storage"] = objects
    yield Result(
        id="functions.removed",
        title="the synthetic user left no row"
        if not left
        else f"rows of the synthetic user are left: {left}",
        status=Status.FAIL if left else Status.PASS,
        evidence={"left": left},
    )


def _path(
    gateway: Gateway,
    connection: psycopg.Connection[tuple[object, ...]],
    person: Person,
    progress: Callable[[str], None],
) -> Iterator[Result]:
    """Send one message twice; wait for its one answer."""
    message = uuid4()
    body = _body(person.chat, SAID, message)
    first = gateway.request(CHAT_SEND, token=person.token, body=body)
    yield _expect("functions.accepted", first, 201, "a message is accepted")
    again = gateway.request(CHAT_SEND, token=person.token, body=body)
    same = first.field("message_id") == again.field("message_id")
    yield _expect(
        "functions.retry",
        again,
        200,
        "a retry gets the same message id" if same else "a retry got another id",
        holds=same,
    )
    progress("waiting for the answer through outbox, queue and language model")
    yield _answered(connection, person.chat)
    yield _read(gateway, person)


def _read(gateway: Gateway, person: Person) -> Result:
    """Read the conversation as the app does."""
    query = {"chat_id": str(person.chat)}
    page = gateway.request(READ_HISTORY, token=person.token, query=query)
    shown = (page.field("messages") or []) if page.status == 200 else []
    roles = [message["role"] for message in shown]
    good = roles == ["assistant", "user"]
    title = "its history shows both" if good else f"its history shows {roles}"
    # The evidence of a check holds no text of a message.
    told = replace(page, body={"roles": roles} if shown else page.body)
    return _expect("functions.history", told, 200, title, holds=good)


def _answered(connection: psycopg.Connection[tuple[object, ...]], chat: UUID) -> Result:
    """Wait until the answer is saved and the outbox is empty; count the rows."""
    started = time.monotonic()
    while True:
        users, assistants = _pair(connection.execute(MESSAGE, (chat,)).fetchone())
        waiting = connection.execute(QUEUED, (chat,)).fetchone()
        queued = int(str(waiting[0])) if waiting else 0
        took = time.monotonic() - started
        if (assistants and not queued) or took > ANSWER_WAIT_S:
            break
        time.sleep(0.1)
    good = (users, assistants, queued) == (1, 1, 0)
    return Result(
        id="functions.answered",
        title=f"answered once after {took:.1f} s: 1 message, 1 answer, outbox empty"
        if good
        else f"after {took:.0f} s: {users} messages, {assistants} answers,"
        f" {queued} rows in the outbox; expected 1, 1, 0",
        status=Status.PASS if good else Status.FAIL,
        evidence={
            "queries": [MESSAGE, QUEUED],
            "user_rows": users,
            "assistant_rows": assistants,
            "outbox_rows": queued,
        },
        remedy=None if good else "./bootstrap local.logs --part emulator",
    )


def _limit(
    gateway: Gateway,
    connection: psycopg.Connection[tuple[object, ...]],
    person: Person,
) -> Result:
    """Use up the hour's messages from several threads; exactly one more is refused."""
    already = _pair(connection.execute(MESSAGE, (person.chat,)).fetchone())[0]
    wanted = CHAT_MESSAGES.hits - already + 1

    def send(_: int) -> Answer:
        body = _body(person.quiet, "One of many.")
        return gateway.request(CHAT_SEND, token=person.token, body=body)

    with ThreadPoolExecutor(SENDERS) as pool:
        answers = list(pool.map(send, range(wanted)))
    statuses = Counter(answer.status for answer in answers)
    refused = next((answer for answer in answers if answer.status == 429), None)
    good = statuses == {201: wanted - 1, 429: 1}
    wait = refused.headers.get("retry-after") if refused else None
    return Result(
        id="functions.limit",
        title=f"message {CHAT_MESSAGES.hits + 1} within the hour gets 429,"
        f" Retry-After {wait} s"
        if good
        else f"{wanted} messages after {already} got {dict(statuses)}; expected"
        f" {wanted - 1} times 201 and one 429",
        status=Status.PASS if good else Status.FAIL,
        evidence={
            "sent_before": already,
            "statuses": {str(status): count for status, count in statuses.items()},
            "refused": refused.evidence() if refused else None,
        },
    )


def _body(chat: UUID, text: str, message: UUID | None = None) -> bytes:
    """Write a request body; each call is a message of its own unless it is named."""
    fields = {
        "chat_id": str(chat),
        "text": text,
        "client_msg_id": str(message or uuid4()),
    }
    return json.dumps(fields).encode()


def _pair(row: tuple[object, ...] | None) -> tuple[int, int]:
    """Read two counts."""
    first, second = row or (0, 0)
    return int(str(first)), int(str(second))


def _expect(
    check_id: str,
    answer: Answer,
    status: int,
    title: str,
    *,
    holds: bool = True,
    remedy: str = "./bootstrap local.logs --part emulator",
) -> Result:
    """Compare an answer with the status that it must have."""
    good = answer.status == status and holds
    return Result(
        id=check_id,
        title=f"{title}: {answer.status} in {answer.ms:.0f} ms"
        if good
        else f"{title}: expected {status}, got {answer.status} {answer.body}",
        status=Status.PASS if good else Status.FAIL,
        evidence=answer.evidence(),
        remedy=None if good else remedy,
    )
