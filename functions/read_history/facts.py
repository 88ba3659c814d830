"""What read_history remembers: conversations, subscriptions, usage counters.

Nothing here is written by a service of ours, so that no write of ours makes it old:
llm_handler writes ``turn_count``, ``last_summary_at_turn`` and ``updated_at`` of a
conversation, archival its watermark, and none of them is remembered. Titles and modes
are the app's, subscriptions its payment webhook's, usage counters its own functions'.
Whoever comes to write one of them in this process calls `Facts.conversations`
``.invalidate(...)`` or `Facts.forget` after the commit; in others it holds within the
lifetime.
"""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from functions.read_history import queries
from functions.read_history.queries import Metadata
from functions.read_history.settings import Settings
from functions.shared.caching import APP, Cache, Key
from functions.shared.database import Database

CONVERSATIONS = 5_000
USERS = 5_000
"""Values kept of each kind, some 2 MB: an environment serves few users at a time."""


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What the app's table ``profiles`` says; ``None`` where it says nothing."""

    plan: str | None
    status: str | None
    active: bool | None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What the app's table ``feature_usage`` says; ``None`` where it says nothing."""

    chat_messages: int | None
    images_generated: int | None
    therai_calls: int | None
    insights_count: int | None
    last_reset_date: str | None


class Facts:
    """The caches of an environment.

    Args:
        database: What they load from.
        settings: Their lifetimes.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self.conversations: Cache[Metadata] = Cache(
            "Conversation",
            self._conversation,
            lifetime=settings.conversation_lifetime,
            size=CONVERSATIONS,
            clock=clock,
        )
        self.subscriptions: Cache[Subscription] = Cache(
            "Subscription",
            self._subscription,
            lifetime=settings.subscription_lifetime,
            size=USERS,
            clock=clock,
        )
        self.usage: Cache[Usage] = Cache(
            "Usage",
            self._usage,
            lifetime=settings.usage_lifetime,
            size=USERS,
            clock=clock,
        )

    def forget(self, user_id: UUID) -> None:
        """Forget all that is remembered for a user."""
        for cache in (self.conversations, self.subscriptions, self.usage):
            cache.forget(user_id)

    def _conversation(self, key: Key) -> Metadata | None:
        """Read a conversation for the one who asks."""
        return self._database.run(
            lambda connection: queries.conversation(
                connection, UUID(key.part), None if key.owner is APP else key.owner
            ),
            repeatable=True,
        )

    def _subscription(self, key: Key) -> Subscription | None:
        """Read a user's subscription."""
        user_id = _owner(key)
        row = self._database.run(
            lambda connection: queries.subscription(connection, user_id),
            repeatable=True,
        )
        if row is None:
            return None
        return Subscription(
            plan=_text(row.get("subscription_plan")),
            status=_text(row.get("subscription_status")),
            active=_truth(row.get("subscription_active")),
        )

    def _usage(self, key: Key) -> Usage | None:
        """Read a user's usage counters."""
        user_id = _owner(key)
        row = self._database.run(
            lambda connection: queries.usage(connection, user_id), repeatable=True
        )
        if row is None:
            return None
        return Usage(
            chat_messages=_count(row.get("chat_messages")),
            images_generated=_count(row.get("images_generated")),
            therai_calls=_count(row.get("therai_calls")),
            insights_count=_count(row.get("insights_count")),
            last_reset_date=_text(row.get("last_reset_date")),
        )


def _owner(key: Key) -> UUID:
    """Give the user whose value it is."""
    if not isinstance(key.owner, UUID):
        raise TypeError("an account is a user's")
    return key.owner


# The columns are the app's own: another type than the plan's is as good as none.
def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number else None
