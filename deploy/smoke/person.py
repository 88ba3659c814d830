"""The synthetic user of a proof: rows to act on, a token, and no trace afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import jwt
import psycopg

TOKEN_S = 600
"""Life of the token, in seconds; a proof takes under 60."""

MAIL = "@smoke.invalid"
"""Ends the address of a synthetic user; nobody else can have it (RFC 2606)."""

TITLE = "kiloscale smoke test"

TRACES = (
    ("kiloscale.outbox", "key in (%(user)s::text, %(chat)s::text, %(quiet)s::text)"),
    ("kiloscale.rate_limits", "subject = %(user)s::text"),
    ("kiloscale.llm_usage", "user_id = %(user)s"),
    ("kiloscale.llm_reservations", "user_id = %(user)s"),
    ("kiloscale.memory_progress", "chat_id in (%(chat)s, %(quiet)s)"),
    ("public.user_memory", "user_id = %(user)s"),
    ("kiloscale.image_urls", "user_id = %(user)s"),
    ("kiloscale.images", "user_id = %(user)s"),
    ("public.user_images", "user_id = %(user)s"),
    ("public.messages", "chat_id in (%(chat)s, %(quiet)s)"),
    ("public.conversation_summaries", "chat_id in (%(chat)s, %(quiet)s)"),
    ("public.conversation_activity", "user_id = %(user)s"),
    ("public.feature_usage", "user_id = %(user)s"),
    ("public.conversations", "user_id = %(user)s"),
)
"""Where a message or an image of the user leaves rows, in the order to delete them."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A synthetic user.

    Attributes:
        user: Their id.
        chat: A conversation that the language model answers.
        quiet: A conversation of mode ``together``, which it leaves alone.
        token: A JWT as Supabase would sign it.
    """

    user: UUID
    chat: UUID
    quiet: UUID
    token: str = field(repr=False)

    @property
    def keys(self) -> dict[str, UUID]:
        """Parameters of the statements that look for their rows."""
        return {"user": self.user, "chat": self.chat, "quiet": self.quiet}


def sign(user: UUID, secret: str, issuer: str) -> str:
    """Sign a token of the form that Supabase gives an authenticated user."""
    issued = int(time.time())
    claims = {
        "sub": str(user),
        "aud": "authenticated",
        "role": "authenticated",
        "iss": issuer,
        "iat": issued,
        "exp": issued + TOKEN_S,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


@contextmanager
def synthetic(
    connection: psycopg.Connection[tuple[object, ...]], secret: str, issuer: str
) -> Iterator[Person]:
    """Make a user with two conversations; remove every row of theirs afterwards.

    Args:
        connection: To the stack's database, in autocommit mode.
        secret: The stack's JWT secret.
        issuer: The ``iss`` that the stack expects.

    Yields:
        The user, usable at once.
    """
    user = uuid4()
    person = Person(
        user=user, chat=uuid4(), quiet=uuid4(), token=sign(user, secret, issuer)
    )
    try:
        _insert(connection, person)
        yield person
    finally:
        remove(connection, person)


def _insert(connection: psycopg.Connection[tuple[object, ...]], person: Person) -> None:
    """Write the user, where there is a table for them, and their conversations."""
    has_users = connection.execute("select to_regclass('auth.users')").fetchone()
    with connection.transaction():
        if has_users and has_users[0]:
            connection.execute(
                "insert into auth.users (id, email) values (%(user)s, %(email)s)",
                {"user": person.user, "email": f"{person.user}{MAIL}"},
            )
        connection.execute(
            "insert into public.conversations (id, user_id, title, mode)"
            " values (%(chat)s, %(user)s, %(title)s, 'chat'),"
            " (%(quiet)s, %(user)s, %(title)s, 'together')",
            {**person.keys, "title": TITLE},
        )


def remove(connection: psycopg.Connection[tuple[object, ...]], person: Person) -> None:
    """Delete the user and every row of theirs."""
    with connection.transaction():
        for table, condition in TRACES:
            connection.execute(
                f"delete from {table} where {condition}",  # noqa: S608 - constants
                person.keys,
            )
        has_users = connection.execute("select to_regclass('auth.users')").fetchone()
        if has_users and has_users[0]:
            connection.execute(
                "delete from auth.users where id = %(user)s", person.keys
            )


def remove_forgotten(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """Delete what killed runs left; nobody else proves anything at the same time.

    Returns:
        How many users there were.
    """
    has_users = connection.execute("select to_regclass('auth.users')").fetchone()
    if not (has_users and has_users[0]):
        return 0
    rows = connection.execute(
        "select u.id, min(c.id::text) filter (where c.mode = 'chat'),"
        " min(c.id::text) filter (where c.mode = 'together')"
        " from auth.users u left join public.conversations c"
        " on c.user_id = u.id and c.title = %s"
        " where u.email like '%%' || %s group by u.id",
        (TITLE, MAIL),
    ).fetchall()
    for user, chat, quiet in rows:
        key = UUID(str(user))
        chats = [UUID(str(found)) if found else key for found in (chat, quiet)]
        remove(connection, Person(user=key, chat=chats[0], quiet=chats[1], token=""))
    return len(rows)


def traces(
    connection: psycopg.Connection[tuple[object, ...]], person: Person
) -> dict[str, int]:
    """Count the rows of the user that are left, by table; empty if there are none."""
    left = {}
    for table, condition in TRACES:
        row = connection.execute(
            f"select count(*) from {table} where {condition}",  # noqa: S608 - constants
            person.keys,
        ).fetchone()
        if row and row[0]:
            left[table] = int(str(row[0]))
    return left
