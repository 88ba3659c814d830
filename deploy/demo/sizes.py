"""How much a demo makes of what, from its number of users."""

from dataclasses import dataclass

from deploy.errors import UsageError

USERS_DEFAULT = 50
USERS_MAX = 10_000
"""Beyond it the messages alone take 2 GB, and the fill a quarter of an hour."""

CONVERSATIONS = 10
MESSAGES = 200
"""Of one user in 18 months. The plan's 200,000 answers a month at 1,000 users would be
3,600: fewer, so that a demo is ready in a minute."""

MEMORIES = 20
LOGS = 200
"""Log lines of one user in `LOG_DAYS`."""

WEBHOOK_EVENTS = 5
LOG_DAYS = 30
"""Over four times what retention keeps, so that there is something for it to do."""

BYTES = 240_000
"""Database bytes for one user (measured 2026-11-23, see docs/benchmarks.md)."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How many rows of each kind a demo makes.

    Attributes:
        users: Users with profile, usage counter and email ``user<N>@demo.invalid``.
        conversations: Conversations of them all.
        messages: Messages in them, about.
        memories: Memories, each of one message.
        logs: Lines of ``edge_function_logs`` in `LOG_DAYS` days.
        webhook_events: Rows of ``stripe_webhook_events``.
    """

    users: int
    conversations: int
    messages: int
    memories: int
    logs: int
    webhook_events: int

    @classmethod
    def of(cls, users: int) -> "Sizes":
        """Derive everything from the number of users.

        Raises:
            UsageError: The number is out of its range.
        """
        if not 1 <= users <= USERS_MAX:
            raise UsageError(
                f"--users must be between 1 and {USERS_MAX:,}, got {users}:"
                " nothing was made",
                remedy=f"./bootstrap demo --users {USERS_DEFAULT}",
            )
        return cls(
            users=users,
            conversations=users * CONVERSATIONS,
            messages=users * MESSAGES,
            memories=users * MEMORIES,
            logs=users * LOGS,
            webhook_events=users * WEBHOOK_EVENTS,
        )

    @property
    def database_bytes(self) -> int:
        """By how much the database grows, about."""
        return self.users * BYTES

    def told(self) -> str:
        """Say the sizes in one line."""
        return (
            f"{self.users:,} users, {self.conversations:,} conversations,"
            f" {self.messages:,} messages, {self.memories:,} memories,"
            f" {self.logs:,} log lines, {self.webhook_events:,} webhook events"
        )


def lengths(conversations: int, messages: int) -> list[int]:
    """Share messages out to conversations: few are long, most are short.

    The length falls with the rank as ``scale / (rank + flat)``, like words in a text
    (Zipf); each conversation has a question and an answer at least.

    Args:
        conversations: How many, 1 or more.
        messages: How many together; missed by 2 % at most, where there are 10 or more
            for each conversation.

    Returns:
        Lengths, longest first.
    """
    flat = 3 + conversations / 400
    low, high = 0.0, float(messages) * (conversations + flat)
    for _ in range(100):  # halves the interval: exact long before
        scale = (low + high) / 2
        found = [max(2, round(scale / (rank + flat))) for rank in range(conversations)]
        if sum(found) < messages:
            low = scale
        else:
            high = scale
        if high - low < 1:
            break
    return found
