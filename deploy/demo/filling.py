"""Fill the database: SQL in committed batches, told as they go."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from deploy.demo.session import Connection
from deploy.demo.sizes import LOG_DAYS, Sizes, lengths

FOLDER = Path(__file__).parent
BAR = 20

# Sorting and joining a few hundred thousand rows of plan; and a demo that loses its
# last batch in a crash is filled again, so that no batch waits for the disk.
SETTINGS = "set work_mem = '128MB'; set synchronous_commit = off"

TIDY = """
vacuum (analyze) public.conversations, public.messages, public.user_memory,
    public.conversation_summaries, public.conversation_activity,
    public.conversation_caches, public.profiles, public.user_profile_list,
    public.feature_usage, public.stripe_webhook_events, public.edge_function_logs,
    kiloscale.messages_archive
"""
"""What autovacuum would do a minute later: until then plans are made blindly."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One kind of rows.

    Attributes:
        name: The SQL file beside this module, and what a person reads.
        total: Number of its highest row, counted from 1; 0 for nothing to do.
        batch: Rows of one transaction.
    """

    name: str
    total: int
    batch: int

    def batches(self) -> Iterator[tuple[int, int]]:
        """Give the first and the last number of each batch."""
        for low in range(1, self.total + 1, self.batch):
            yield low, min(low + self.batch - 1, self.total)


def fill(connection: Connection, sizes: Sizes, progress: Callable[[str], None]) -> None:
    """Make all rows of a demo.

    Args:
        connection: In autocommit mode; each batch is a transaction.
        sizes: How many.
        progress: Told after each batch.
    """
    progress(f"planning {sizes.told()}")
    values: dict[str, object] = {
        "users": sizes.users,
        "memories": sizes.memories,
        "logs": sizes.logs,
        "log_days": LOG_DAYS,
        "lengths": lengths(sizes.conversations, sizes.messages),
    }
    connection.execute(SETTINGS)
    with psycopg.ClientCursor(connection) as cursor:
        _run(cursor, "prepare", values)
        row = cursor.execute("select count(*) from demo_message").fetchone()
        planned = int(str(row[0])) if row else 0
        plan = stages(sizes, messages=planned)
        whole, done = sum(stage.total for stage in plan), 0
        for stage in plan:
            for low, high in stage.batches():
                _run(cursor, stage.name, {**values, "low": low, "high": high})
                done += high - low + 1
                progress(told(stage, high, done / whole))
    progress("updating the planner's statistics")
    connection.execute(TIDY)


def stages(sizes: Sizes, *, messages: int) -> list[Stage]:
    """Give the kinds of rows in the order in which they refer to each other."""
    return [
        Stage(name="users", total=sizes.users, batch=1_000),
        Stage(name="conversations", total=sizes.conversations, batch=5_000),
        Stage(name="messages", total=messages, batch=10_000),
        Stage(name="memories", total=sizes.memories, batch=10_000),
        # By day, with a partition each: what one number stands for are many rows.
        Stage(name="logs", total=LOG_DAYS, batch=1),
        Stage(name="webhooks", total=sizes.webhook_events, batch=5_000),
    ]


def told(stage: Stage, high: int, share: float) -> str:
    """Draw how far the fill is.

    >>> told(Stage(name="messages", total=8_000, batch=1), 4_000, 0.52)
    '[##########..........]  52 %  messages: 4,000 of 8,000'
    """
    bar = ("#" * round(share * BAR)).ljust(BAR, ".")
    what = "days of logs" if stage.name == "logs" else stage.name
    return f"[{bar}] {share * 100:3.0f} %  {what}: {high:,} of {stage.total:,}"


def _run(
    cursor: psycopg.ClientCursor[tuple[object, ...]],
    name: str,
    values: dict[str, object],
) -> None:
    """Run one file as one transaction."""
    # psycopg types queries as literals, against injection: these are our own files.
    text = (FOLDER / f"{name}.sql").read_bytes()
    with cursor.connection.transaction():
        cursor.execute(text, values)
