"""Two million messages and three million log lines, and copies of them to work on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from benchmarks import cluster
from benchmarks.cluster import Database
from deploy.demo.sizes import Sizes

SIZES = Sizes(
    users=1_000,
    conversations=30_000,
    messages=2_000_000,
    memories=100_000,
    logs=3_000_000,
    webhook_events=20_000,
)
"""The plan's 1,000 users after ten months of its 200,000 answers a month: a demo at
scale, whose fill takes about two minutes."""

COPY = "database_bench"


@dataclass(frozen=True, kw_only=True)
class Data:
    """A filled database that nobody changes, and the server that it stands in.

    Attributes:
        database: Nobody may be connected to it while a copy is made.
    """

    database: Database

    @contextmanager
    def copy(self, progress: Callable[[str], None]) -> Iterator[Database]:
        """Make a copy with statistics of its own, and drop it afterwards.

        Args:
            progress: Told that it is made: about 10 s.
        """
        progress("copying the data")
        source = str(conninfo_to_dict(self.database.url)["dbname"])
        with psycopg.connect(self.database.stack.admin_url, autocommit=True) as admin:
            admin.execute(
                sql.SQL(
                    "create database {} template {} strategy file_copy owner postgres"
                ).format(sql.Identifier(COPY), sql.Identifier(source))
            )
            try:
                with psycopg.connect(self._url(COPY), autocommit=True) as connection:
                    # A copy has the rows and none of the statistics of its use.
                    connection.execute("analyze")
                admin.execute("checkpoint")
                yield replace(self.database, url=self._url(COPY))
            finally:
                admin.execute(
                    sql.SQL("drop database {} with (force)").format(
                        sql.Identifier(COPY)
                    )
                )

    def _url(self, name: str) -> str:
        """Give role postgres's URL of another database of the server."""
        return f"{self.database.url.rpartition('/')[0]}/{name}"


@contextmanager
def filled(progress: Callable[[str], None], sizes: Sizes = SIZES) -> Iterator[Data]:
    """Run a server with the data; delete both afterwards.

    Args:
        progress: Told what takes time.
        sizes: How many rows; a trial may take fewer.
    """
    with cluster.running(progress, sizes) as database:
        yield Data(database=database)
