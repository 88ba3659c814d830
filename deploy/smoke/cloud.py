"""The proof on a cloud stack: one message of its smoke user, answered and removed.

It costs one call of the language model. It writes one conversation and removes that
one: nothing else of the user's, and nothing of anybody else's.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg

from deploy.checklist import Result, Status
from deploy.errors import UsageError
from deploy.smoke.gateway import Gateway
from deploy.smoke.person import TITLE, sign
from infra.catalog.services import CHAT_SEND, READ_HISTORY

Connection = psycopg.Connection[tuple[object, ...]]

SAID = "This is a test of the deployment. Answer with the one word: ready."

ANSWER_WAIT_S = 60.0
"""A cold start, the outbox's next sweep in the worst case (60 s, less what has passed)
and the model: what takes longer, people notice as well."""

POLL_S = 0.5

TRACES = (
    ("kiloscale.outbox", "key = %(chat)s::text"),
    ("kiloscale.memory_progress", "chat_id = %(chat)s"),
    ("public.user_memory", "conversation_id = %(chat)s"),
    ("public.messages", "chat_id = %(chat)s"),
    ("public.conversation_summaries", "chat_id = %(chat)s"),
    ("public.conversation_activity", "conversation_id = %(chat)s"),
    ("public.conversations", "id = %(chat)s"),
)
"""Where the conversation leaves rows, in the order to delete them. The user's counts
(limits, what the model cost) stay: they are true."""

COUNTS = """
select count(*) filter (where role = 'user'),
       count(*) filter (where role = 'assistant'),
       (select count(*) from kiloscale.outbox
         where key = %(chat)s::text and topic = 'llm')
  from public.messages where chat_id = %(chat)s
"""

FORGOTTEN = "select id from public.conversations where user_id = %s and title = %s"


@dataclass(frozen=True, kw_only=True)
class Smoker:
    """Who the message is from.

    Attributes:
        user: The smoke user of the stack's configuration.
        secret: The stack's JWT secret.
        issuer: The ``iss`` that the stack expects.
    """

    user: UUID
    secret: str = field(repr=False)
    issuer: str


def message(
    gateway: Gateway,
    connection: Connection,
    smoker: Smoker,
    progress: Callable[[str], None],
) -> Iterator[Result]:
    """Send one message, wait for its one answer, read it back, remove it all."""
    _require(connection, smoker.user)
    for left in connection.execute(FORGOTTEN, (smoker.user, TITLE)).fetchall():
        remove(connection, UUID(str(left[0])))
        progress("removed the conversation of an interrupted run")
    with _conversation(connection, smoker.user) as chat:
        token = sign(smoker.user, smoker.secret, smoker.issuer)
        yield _sent(gateway, token, chat)
        progress("waiting for the answer through outbox, queue and language model")
        yield _answered(connection, chat, gateway.remedy)
        yield _read(gateway, token, chat)
    yield _removed(connection, chat)


def _require(connection: Connection, user: UUID) -> None:
    """Refuse a user that does not exist, where users have a table.

    Raises:
        UsageError: There is none.
    """
    known = connection.execute("select to_regclass('auth.users')").fetchone()
    if not (known and known[0]):
        return
    row = connection.execute("select 1 from auth.users where id = %s", (user,))
    if row.fetchone() is None:
        raise UsageError(
            f"kiloscale:smokeUserId: {user} is no user of this database; no message was"
            " sent",
            remedy="make one in Supabase > Authentication, then pulumi config set"
            " smokeUserId <id>",
        )


@contextmanager
def _conversation(connection: Connection, user: UUID) -> Iterator[UUID]:
    """Make a conversation; remove it and all that came of it afterwards."""
    chat = uuid4()
    connection.execute(
        "insert into public.conversations (id, user_id, title, mode)"
        " values (%s, %s, %s, 'chat')",
        (chat, user, TITLE),
    )
    try:
        yield chat
    finally:
        remove(connection, chat)


def remove(connection: Connection, chat: UUID) -> None:
    """Delete the rows of one conversation."""
    with connection.transaction():
        for table, condition in TRACES:
            connection.execute(
                f"delete from {table} where {condition}",  # noqa: S608 - constants
                {"chat": chat},
            )


def _sent(gateway: Gateway, token: str, chat: UUID) -> Result:
    """Send the message."""
    body = {"chat_id": str(chat), "text": SAID, "client_msg_id": str(uuid4())}
    answer = gateway.request(CHAT_SEND, token=token, body=json.dumps(body).encode())
    good = answer.status == 201
    return Result(
        id="functions.accepted",
        title=f"the smoke user's message is accepted: {answer.status} in"
        f" {answer.ms:.0f} ms; it costs one call of the language model"
        if good
        else f"the smoke user's message: expected 201, got {answer.status}"
        f" {answer.body}",
        status=Status.PASS if good else Status.FAIL,
        evidence=answer.evidence(),
        remedy=None if good else gateway.remedy,
    )


def _answered(connection: Connection, chat: UUID, remedy: str) -> Result:
    """Wait until the answer is saved and the outbox is empty; count the rows."""
    started = time.monotonic()
    while True:
        row = connection.execute(COUNTS, {"chat": chat}).fetchone() or (0, 0, 0)
        users, assistants, queued = (int(str(each)) for each in row)
        took = time.monotonic() - started
        if (assistants and not queued) or took > ANSWER_WAIT_S or not users:
            break
        time.sleep(POLL_S)
    good = (users, assistants, queued) == (1, 1, 0)
    return Result(
        id="functions.answered",
        title=f"answered once after {took:.1f} s: 1 message, 1 answer, outbox empty"
        if good
        else f"after {took:.0f} s: {users} messages, {assistants} answers, {queued}"
        " rows in the outbox; expected 1, 1, 0",
        status=Status.PASS if good else Status.FAIL,
        evidence={
            "query": COUNTS,
            "user_rows": users,
            "assistant_rows": assistants,
            "outbox_rows": queued,
        },
        remedy=None if good else remedy.replace("chat-send", "llm-handler"),
    )


def _read(gateway: Gateway, token: str, chat: UUID) -> Result:
    """Read the conversation as the app does; its text stays out of the evidence."""
    page = gateway.request(READ_HISTORY, token=token, query={"chat_id": str(chat)})
    shown = page.body.get("messages", []) if page.status == 200 else []
    roles = [each["role"] for each in shown]
    good = roles == ["assistant", "user"]
    return Result(
        id="functions.history",
        title=f"its history shows both: {page.status} in {page.ms:.0f} ms"
        if good
        else f"its history: got {page.status}, {roles}",
        status=Status.PASS if good else Status.FAIL,
        evidence={"status": page.status, "roles": roles, "ms": round(page.ms, 1)},
        remedy=None if good else gateway.remedy.replace("chat-send", "read-history"),
    )


def _removed(connection: Connection, chat: UUID) -> Result:
    """Count what is left of the conversation."""
    left = {}
    for table, condition in TRACES:
        row = connection.execute(
            f"select count(*) from {table} where {condition}",  # noqa: S608 - constants
            {"chat": chat},
        ).fetchone()
        if row and row[0]:
            left[table] = int(str(row[0]))
    return Result(
        id="functions.removed",
        title=f"rows of the conversation are left: {left}"
        if left
        else "the conversation left no row",
        status=Status.FAIL if left else Status.PASS,
        evidence={"left": left},
    )
