"""Take down what is no longer needed: the shadow, or the old table."""

from functools import partial

from deploy.migrations.session import Connection
from deploy.partitioning.copying import REFERENCED
from deploy.partitioning.patience import Patience, patiently

LOOSEN = "select kiloscale.partition_loosen(%s)"
ABORT = "select kiloscale.partition_abort(%s)"
FINISH = "select kiloscale.partition_finish(%s)"


def take_down(conn: Connection, last: str, patience: Patience) -> None:
    """Drop the other table in two short transactions: its foreign keys, then itself.

    Args:
        conn: In autocommit mode.
        last: `ABORT` or `FINISH`.
        patience: How long to try.
    """
    tables = [str(row[0]) for row in conn.execute(REFERENCED).fetchall()]
    for statement in (LOOSEN, last):
        patiently(
            conn,
            "dropping the other table",
            partial(conn.execute, statement.encode(), [patience.lock_ms]),
            patience,
            ["public.messages", *tables],
        )
