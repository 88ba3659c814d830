"""What there is of a demo: its marker, and its rows by table."""

import json
from dataclasses import dataclass

from deploy.demo.session import Connection

KEY = "kiloscale_demo"
"""Row of ``system_config`` that says what demo there is."""

ALL_USERS = "select id from auth.users where email like 'user%@demo.invalid'"
CHATS = "select id from public.conversations where user_id in ({users})"

OF_USERS: tuple[tuple[str, str], ...] = (
    ("auth.users", "id in ({users})"),
    ("public.profiles", "id in ({users})"),
    ("public.user_profile_list", "user_id in ({users})"),
    ("public.feature_usage", "user_id in ({users})"),
    ("public.conversations", "user_id in ({users})"),
    ("public.conversation_activity", "conversation_id in ({chats})"),
    ("public.conversation_caches", "chat_id in ({chats})"),
    ("public.conversation_summaries", "chat_id in ({chats})"),
    ("public.messages", "chat_id in ({chats})"),
    ("kiloscale.messages_archive", "chat_id in ({chats})"),
    ("public.user_memory", "user_id in ({users})"),
    ("kiloscale.rate_limits", "subject in (select u.id::text from ({users}) u)"),
    ("kiloscale.outbox", "key in (select o.id::text from ({users} union {chats}) o)"),
)
"""Where users have rows. Each table comes after those that its rows refer to."""

BY_MARK: tuple[tuple[str, str], ...] = (
    ("public.edge_function_logs", "event ? 'demo'"),
    ("public.stripe_webhook_events", r"stripe_event_id like 'evt\_demo\_%'"),
)
"""Rows without a user, and how those of a demo are told from others."""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """What demo there is.

    Attributes:
        users: Number of its users.
        is_filled: Whether the fill came to its end.
        filled_at: When it did or began, in UTC, for people.
    """

    users: int
    is_filled: bool
    filled_at: str


def read_marker(connection: Connection) -> Marker | None:
    """Read what demo there is; ``None`` if there is none."""
    row = connection.execute(
        "select value::text from public.system_config where key = %s", (KEY,)
    ).fetchone()
    return Marker(**json.loads(str(row[0]))) if row else None


def write_marker(connection: Connection, *, users: int, is_filled: bool) -> None:
    """Note that a fill begins, or that it came to its end."""
    connection.execute(
        "insert into public.system_config (key, value) values (%s, jsonb_build_object("
        " 'users', %s::int, 'is_filled', %s::bool, 'filled_at',"
        " to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"')))"
        " on conflict (key) do update set value = excluded.value",
        (KEY, users, is_filled),
    )


def condition(text: str, users: str) -> str:
    """Complete a condition of `OF_USERS`.

    >>> condition("chat_id in ({chats})", "values (1)")[:46]
    'chat_id in (select id from public.conversation'
    """
    return text.replace("{chats}", CHATS).replace("{users}", users)


def count(connection: Connection) -> dict[str, int]:
    """Count the rows of the demo in each table that has some."""
    found = {}
    for table, text in (*OF_USERS, *BY_MARK):
        query = f"select count(*) from {table} where {condition(text, ALL_USERS)}"  # noqa: S608 - constants
        row = connection.execute(query.encode()).fetchone()
        if row and row[0]:
            found[table] = int(str(row[0]))
    return found


def database_bytes(connection: Connection) -> int:
    """Measure the database."""
    row = connection.execute("select pg_database_size(current_database())").fetchone()
    return int(str(row[0])) if row else 0
