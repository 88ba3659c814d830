"""pg_cron jobs managed through PgBouncer, as a stack does on Supabase's port 6543.

In transaction mode a lock of the session, or anything prepared, would stay with another
client's server connection.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from poolers import PGBOUNCER, pgbouncer

from deploy.crons import single, sync
from deploy.database import connect
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from infra.catalog.pg_crons import PG_CRON_JOBS

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        PGBOUNCER is None,
        reason="pgbouncer is not installed: apt-get install pgbouncer",
    ),
]


@pytest.fixture
def pooled(cluster, cron_url, short_folder):
    apply(cron_url, discover(REPOSITORY / "migrations"), lambda _: None)
    with pgbouncer(
        cluster, cron_url, short_folder, mode="transaction", servers=2
    ) as url:
        yield url


def test_a_transaction_pooler_is_enough_to_manage_jobs(pooled, cron_url):
    def live(job):
        with connect(pooled) as conn:
            first = single.settle(conn, job)
            again = single.settle(conn, job)
            seen = single.look(conn, job)
        return first == again == seen

    with ThreadPoolExecutor(len(PG_CRON_JOBS)) as threads:
        assert all(threads.map(live, PG_CRON_JOBS))

    with connect(cron_url) as conn:
        assert {each.action for each in sync.diff(conn, PG_CRON_JOBS)} == {"none"}
        held = conn.execute("select count(*) from pg_locks where locktype = 'advisory'")
        assert held.fetchone() == (0,)
    with connect(pooled) as conn:
        assert [single.remove(conn, job.name) for job in PG_CRON_JOBS] == [None] * len(
            PG_CRON_JOBS
        )
