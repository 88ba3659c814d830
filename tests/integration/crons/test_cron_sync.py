from dataclasses import replace

import psycopg
import pytest

from deploy.crons import sync
from deploy.database import connect
from deploy.errors import AuthError, DeployError
from infra.catalog.pg_crons import PG_CRON_JOBS

pytestmark = pytest.mark.integration

JOBS = (
    "select jobname::text, schedule, command, active, username from cron.job"
    " order by jobid"
)


def test_the_declared_jobs_are_scheduled_once(cron_conn, put):
    assert put(*PG_CRON_JOBS) == [("schedule", job.name) for job in PG_CRON_JOBS]
    assert put(*PG_CRON_JOBS) == []

    assert cron_conn.execute(JOBS).fetchall() == [
        (job.name, job.schedule, job.command, True, "postgres") for job in PG_CRON_JOBS
    ]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("select cron.schedule('tidy', '0 9 * * *', 'select 1')", "schedule is '0 9"),
        ("update cron.job set active = false", "active is 'false'"),
        ("update cron.job set database = 'template1'", "database is 'template1'"),
    ],
)
def test_what_somebody_changed_is_set_right(
    cluster, cron_conn, put, tidy, statement, reason
):
    put(tidy)
    as_admin = "update" in statement
    with cluster.admin() if as_admin else connect(cluster.database_url) as somebody:
        somebody.execute(statement)
    (change,) = sync.diff(cron_conn, [tidy])

    assert put(tidy) == [("alter", "tidy")]

    assert change.reasons[0].startswith(reason)
    assert cron_conn.execute(JOBS).fetchall() == [
        ("tidy", tidy.schedule, tidy.command, True, "postgres")
    ]
    assert put(tidy) == []


def test_a_job_that_was_given_to_another_role_is_that_role_s_to_end(
    cluster, cron_conn, put, tidy
):
    put(tidy)
    with cluster.admin() as admin:
        admin.execute("update cron.job set username = 'kiloscale_admin'")
        jobid = admin.execute("select jobid from cron.job").fetchone()[0]

    with pytest.raises(AuthError) as caught:
        put(tidy)

    assert caught.value.remedy == (
        f"as role kiloscale_admin: select cron.unschedule({jobid});"
    )


def test_altering_a_schedule_keeps_the_job_and_its_history(cron_conn, put, tidy):
    put(tidy)
    before = cron_conn.execute("select jobid from cron.job").fetchall()

    put(replace(tidy, schedule="0 5 * * *"))

    assert cron_conn.execute("select jobid from cron.job").fetchall() == before


def test_a_foreign_job_of_the_same_name_is_shown_and_left_alone(cron_conn, put, tidy):
    cron_conn.execute("select cron.schedule('tidy', '0 9 * * *', 'select 42')")
    before = cron_conn.execute("select * from cron.job").fetchall()

    with pytest.raises(DeployError) as caught:
        put(tidy, replace(tidy, name="other"))

    assert "role postgres has this name and is not in the registry" in str(caught.value)
    assert "0 9 * * * select 42" in str(caught.value)
    assert caught.value.remedy == "./bootstrap crons.adopt --job tidy"
    assert cron_conn.execute("select * from cron.job").fetchall() == before


def test_a_foreign_job_is_taken_over_on_request(cron_conn, put, tidy):
    cron_conn.execute("select cron.schedule('tidy', '0 9 * * *', 'select 42')")

    assert put(tidy, adopt=True) == [("adopt", "tidy")]
    assert put(tidy) == []


def test_a_job_of_another_role_with_our_name_is_foreign(cluster, cron_conn, put, tidy):
    with cluster.admin() as admin:
        admin.execute("select cron.schedule('tidy', '0 9 * * *', 'select 42')")

    (change,) = sync.diff(cron_conn, [tidy])

    assert (change.action, change.installed.username) == ("foreign", "kiloscale_admin")


def test_jobs_that_are_not_declared_any_more_go_and_those_of_others_stay(
    cron_conn, put, tidy
):
    put(tidy, replace(tidy, name="other"))
    cron_conn.execute("select cron.schedule('theirs', '0 9 * * *', 'select 42')")

    assert put(tidy) == [("unschedule", "other")]

    names = [name for name, *_ in cron_conn.execute(JOBS).fetchall()]
    assert names == ["tidy", "theirs"]
    registry = cron_conn.execute("select jobname from kiloscale.cron_registry")
    assert registry.fetchall() == [("tidy",)]


def test_a_schedule_that_pg_cron_refuses_changes_nothing(cron_conn, put, tidy):
    with pytest.raises(DeployError, match="invalid schedule: 61 "):
        put(tidy, replace(tidy, name="other", schedule="61 * * * *"))

    assert cron_conn.execute(JOBS).fetchall() == []
    registry = cron_conn.execute("select count(*) from kiloscale.cron_registry")
    assert registry.fetchone() == (0,)


def test_without_the_migrations_it_is_not_known_whose_a_job_is(cron_url, tidy):
    with connect(cron_url) as conn, pytest.raises(DeployError) as caught:
        sync.diff(conn, [tidy])

    assert caught.value.remedy == "./bootstrap deploy --only migrations"


def test_another_database_than_that_of_pg_cron_is_named(scratch_url, tidy):
    with connect(scratch_url) as conn, pytest.raises(DeployError) as caught:
        sync.diff(conn, [tidy])

    assert str(caught.value).startswith("pg_cron belongs to database postgres, this is")


def test_a_server_without_pg_cron_says_how_to_install_it(plain_url, tidy):
    with connect(plain_url) as conn, pytest.raises(DeployError) as caught:
        sync.diff(conn, [tidy])

    assert "no job can be scheduled" in str(caught.value)
    assert "create extension pg_cron" in caught.value.remedy


def test_a_role_without_rights_is_told_the_grant(cluster, cron_conn, tidy):
    with cluster.admin() as admin:
        admin.execute("drop role if exists guest")
        admin.execute("create role guest login password 'guest'")
        admin.execute("grant usage on schema kiloscale to guest")
    url = cluster.database_url.split("@")[1]
    guest = connect(f"postgresql://guest:guest@{url}")
    with guest as conn, pytest.raises(AuthError) as caught:
        sync.diff(conn, [tidy])
    with cluster.admin() as admin, psycopg.connect(cluster.database_url) as owner:
        owner.execute("revoke usage on schema kiloscale from guest")
        owner.commit()
        admin.execute("drop owned by guest; drop role guest")

    assert caught.value.remedy == "as superuser: grant usage on schema cron to guest;"


def test_a_connection_that_is_lost_is_not_blamed_on_a_job(
    cluster, cron_conn, put, tidy, monkeypatch
):
    def killed(conn, change):
        with cluster.admin() as admin:
            admin.execute("select pg_terminate_backend(%s)", (conn.info.backend_pid,))
        conn.execute("select 1")

    changes = sync.diff(cron_conn, [tidy])
    monkeypatch.setattr(sync, "_make", killed)

    with pytest.raises(DeployError) as caught:
        sync.apply(cron_conn, changes)

    assert str(caught.value).startswith("the connection was lost, changing the jobs;")
    assert "infra/catalog" not in (caught.value.remedy or "")
