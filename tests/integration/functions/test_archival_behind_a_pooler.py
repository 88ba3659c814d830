"""Archival by hand through PgBouncer in transaction mode, as on Supabase's port 6543.

A procedure that commits is one query to the pooler, so that it keeps its server
connection until it ends, and with it the lock of the session.
"""

import psycopg
import pytest
from poolers import PGBOUNCER, pgbouncer

from deploy.archival.running import Job, run_job
from deploy.database import connect
from deploy.errors import LockedError
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        PGBOUNCER is None,
        reason="pgbouncer is not installed: apt-get install pgbouncer",
    ),
]

FILL = """
with one as (
    insert into auth.users (id, email) values (gen_random_uuid(), 'a@example.test')
    returning id
), chat as (
    insert into public.conversations (user_id) select id from one returning id
)
insert into public.messages (chat_id, role, created_at)
select chat.id, 'user', now() - interval '1 year' + n * interval '1 minute'
  from chat, generate_series(1, 130) n
"""
ARCHIVE = Job(
    name="archive-old-messages",
    statement="call kiloscale.run_archive_old_messages(%s, %s)",
    values=(6, 100),
    task="db.archive",
    noun="messages archived",
)
RECLAIM = Job(
    name="reclaim-archived-messages",
    statement="call kiloscale.reclaim_archived_messages(10)",
    values=(),
    task="db.reclaim",
    noun="messages moved",
)
LOCKS = "select count(*) from pg_locks where locktype = 'advisory'"


def test_archival_runs_commits_and_unlocks_behind_a_transaction_pooler(
    cluster, cron_url, short_folder
):
    apply(cron_url, discover(REPOSITORY / "migrations"), lambda _: None)
    with (
        connect(cron_url) as direct,
        pgbouncer(
            cluster, cron_url, short_folder, mode="transaction", servers=3
        ) as pooled,
    ):
        direct.execute(FILL)
        with connect(cron_url, autocommit=False) as other:
            other.execute(
                "select kiloscale.take_job_lock('archive-old-messages', false)"
            )
            with pytest.raises(LockedError, match="already running in backend"):
                run_job(pooled, ARCHIVE, lambda _: None)

        archived = run_job(pooled, ARCHIVE, lambda _: None)
        reclaimed = run_job(pooled, RECLAIM, lambda _: None)

        assert (archived.log.rows, reclaimed.log.rows) == (30, 30)
        assert reclaimed.log.batches >= 3
        assert direct.execute(LOCKS).fetchone() == (0,)
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            direct.execute("call kiloscale.run_archive_old_messages(0, 100)")
