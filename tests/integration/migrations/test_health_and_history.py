import psycopg
import pytest

from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration

DETAIL = "select detail, rows from kiloscale.run_log where job = %s order by id desc"


def test_a_snapshot_holds_sizes_outbox_and_invalid_indexes(app):
    app.run(
        "insert into kiloscale.outbox (topic, key, payload, ready_at)"
        " values ('llm', 'k', '{}', now() - interval '90 seconds')"
    )
    app.run("create table t (x int); insert into t values (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        app.run("create unique index concurrently t_x on t (x)")

    app.run("call kiloscale.snapshot_health()")

    size, detail = app.rows(
        "select database_bytes, detail from kiloscale.health_snapshots"
    )[0]
    assert size > 5_000_000
    assert detail["outbox"]["waiting"] == 1
    assert 90 <= detail["outbox"]["oldest_s"] < 120
    assert detail["invalid_indexes"] == ["public.t_x"]
    assert "public.messages" in [item["table"] for item in detail["tables"]]
    assert 0 < detail["cache_hit_ratio"] <= 1


def test_snapshots_older_than_the_retention_go(app):
    app.run(
        "insert into kiloscale.health_snapshots values"
        " (now() - interval '401 days', 1), (now() - interval '399 days', 2)"
    )

    app.run("call kiloscale.snapshot_health()")

    sizes = app.rows("select database_bytes from kiloscale.health_snapshots order by 1")
    assert sizes[0] == (2,)
    assert len(sizes) == 2


def test_the_run_log_is_kept_for_ninety_days(app):
    insert = (
        "insert into kiloscale.run_log (job, started_at)"
        " values (%s, now() - %s::interval)"
    )
    app.run(insert, "old", "91 days")
    app.run(insert, "young", "89 days")
    preview = app.rows("select * from kiloscale.preview_cron_history()")

    app.run("call kiloscale.purge_cron_history()")

    assert preview == [("not installed in this database", None, 1)]
    jobs = [job for (job,) in app.rows("select job from kiloscale.run_log order by id")]
    assert jobs == ["young", "purge-cron-history"]
    detail, rows = app.rows(DETAIL, "purge-cron-history")[0]
    assert rows == 1
    assert detail == {"cron_history": "pg_cron is not installed in this database"}


@pytest.fixture
def history(cron_url):
    """The database of pg_cron, migrated, with runs of three ages."""
    apply(cron_url, discover(REPOSITORY / "migrations"), str)
    with psycopg.connect(cron_url, autocommit=True) as conn:
        conn.execute(
            "insert into cron.job_run_details (runid, jobid, username, status,"
            " start_time) values"
            " (1, 1, 'postgres', 'succeeded', now() - interval '20 days'),"
            " (2, 1, 'postgres', 'failed', null),"
            " (3, 1, 'postgres', 'succeeded', now() - interval '15 days'),"
            " (4, 1, 'postgres', 'failed', null),"
            " (5, 1, 'postgres', 'succeeded', now() - interval '13 days'),"
            " (6, 1, 'postgres', 'failed', null)"
        )
        yield conn


def runids(conn):
    query = "select runid from cron.job_run_details order by 1"
    return [runid for (runid,) in conn.execute(query)]


def test_cron_history_is_kept_for_fourteen_days_and_runs_without_a_time_follow(history):
    preview = history.execute(
        "select pg_cron, cron_runs_to_delete from kiloscale.preview_cron_history()"
    ).fetchall()

    history.execute("call kiloscale.purge_cron_history(batch_rows => 2)")

    assert preview == [("installed", 4)]
    assert runids(history) == [5, 6]


def test_the_newest_run_of_a_monthly_job_stays_however_old(history):
    (job,) = history.execute(
        "select cron.schedule('monthly', '0 4 1 * *', 'select 1')"
    ).fetchone()
    history.execute(
        "update cron.job_run_details set jobid = %s"
        " + case when runid in (1, 2) then 0 else 1 end",
        [job],
    )
    preview = history.execute(
        "select cron_runs_to_delete from kiloscale.preview_cron_history()"
    ).fetchall()

    history.execute("call kiloscale.purge_cron_history(batch_rows => 1)")

    assert preview == [(3,)]
    assert runids(history) == [2, 5, 6]


def test_without_any_young_run_the_newest_ones_without_a_time_stay(history):
    history.execute("delete from cron.job_run_details where runid = 5")

    history.execute("call kiloscale.purge_cron_history()")

    assert runids(history) == [4, 6]


def test_a_role_that_sees_only_its_own_jobs_says_so(history, cluster):
    with cluster.admin() as admin:
        admin.execute("update cron.job_run_details set username = 'x' where runid = 1")
        admin.execute("alter role postgres nobypassrls")
    try:
        history.execute("call kiloscale.purge_cron_history()")
        detail = history.execute(DETAIL, ["purge-cron-history"]).fetchone()[0]
    finally:
        with cluster.admin() as admin:
            admin.execute("alter role postgres bypassrls")

    assert detail == {"cron_history": "of the jobs of role postgres"}
    assert runids(history) == [1, 5, 6]
