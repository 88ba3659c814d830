"""Count hits in PostgreSQL: exact across processes, and nothing else to run."""

import psycopg

from functions.shared.database import Connection, Database
from functions.shared.limits import Limit, LimitStoreError, Verdict

# A commit that does not wait for the disk, for this statement alone: a counter is worth
# less than the wait. If the server crashes it forgets the hits of the last 0.6 s (three
# times wal_writer_delay); nobody else sees a difference. It stands here and not in the
# function: set there it would hold for the whole transaction of whoever calls it.
HIT = """
select set_config('synchronous_commit', 'off', true), h.is_admitted, h.hits, h.reset_s
  from kiloscale.hit_limit(%s, %s, %s, %s, %s) h
"""

GIVE_BACK = """
select set_config('synchronous_commit', 'off', true),
       kiloscale.return_hits(%s, %s, %s, %s)
"""

AWAY = (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction)
"""No connection, none free in time, or a server that takes no writes: a standby, or one
whose disk is full."""


class PostgresStore:
    """A `LimitStore` in the table ``kiloscale.rate_limits``.

    Args:
        database: Where the table is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def hit(self, limit: Limit, subject: str, cost: int = 1) -> Verdict:
        """Count some hits; see `LimitStore.hit`."""
        values = (limit.scope, subject, cost, limit.hits, limit.window_s)

        def ask(connection: Connection) -> tuple[bool, int, int]:
            row = connection.execute(HIT, values).fetchall()[0]
            return bool(row[1]), int(str(row[2])), int(str(row[3]))

        try:
            # A hit that was counted would be counted again.
            is_admitted, hits, reset_s = self._database.run(ask, repeatable=False)
        except AWAY as error:
            raise LimitStoreError("PostgreSQL is away") from error
        remaining = max(limit.hits - hits, 0)
        return Verdict(is_admitted=is_admitted, remaining=remaining, reset_s=reset_s)

    def give_back(self, limit: Limit, subject: str, cost: int = 1) -> None:
        """Take back some hits; see `LimitStore.give_back`."""
        values = (limit.scope, subject, cost, limit.window_s)
        try:
            self._database.run(
                lambda connection: connection.execute(GIVE_BACK, values),
                repeatable=False,
            )
        except AWAY as error:
            raise LimitStoreError("PostgreSQL is away") from error
