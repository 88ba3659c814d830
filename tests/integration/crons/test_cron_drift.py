"""Jobs that are not as declared are found by name, with the command that mends them."""

import pytest

from deploy.deployment import DATABASE_VARIABLE, Deployment
from deploy.drift import jobs
from infra.catalog.pg_crons import PG_CRON_JOBS

pytestmark = pytest.mark.integration


@pytest.fixture
def deployment(cron_conn, put, cron_url, monkeypatch, tmp_path) -> Deployment:
    """A stack whose jobs are as declared."""
    put(*PG_CRON_JOBS)
    monkeypatch.setenv(DATABASE_VARIABLE, cron_url)
    return Deployment(stack="cloudy", progress=lambda _: None, state=tmp_path)


def test_a_changed_and_a_missing_job_are_found(cluster, deployment, cron_conn):
    assert [result.planned for result in jobs.look(deployment)] == [False]
    with cluster.admin() as admin:
        admin.execute(
            "update cron.job set schedule = '1 1 * * *', active = false"
            " where jobname = 'snapshot-health'"
        )
    cron_conn.execute("select cron.unschedule('archive-old-messages')")

    found = {result.id: result for result in jobs.look(deployment)}

    changed = found["crons.snapshot-health"].title
    assert changed == (
        "job snapshot-health: schedule is 1 1 * * *, declared 5 * * * *; active is"
        " false, declared true"
    )
    gone = found["crons.archive-old-messages"]
    assert gone.title.endswith("was unscheduled by somebody, declared 0 4 1 * *")
    assert gone.remedy == "./bootstrap deploy --only crons"
    assert found["crons.looked-at"].evidence["different"] == 2


def test_a_job_of_somebody_else_is_shown_with_the_task_that_takes_it_over(
    deployment, cron_conn
):
    cron_conn.execute(
        "delete from kiloscale.cron_registry where jobname = 'snapshot-health'"
    )

    (found, _) = jobs.look(deployment)

    assert found.remedy == "./bootstrap crons.adopt --job snapshot-health"


def test_a_database_that_is_not_named_is_skipped_and_said(deployment, monkeypatch):
    monkeypatch.delenv(DATABASE_VARIABLE)

    (told,) = jobs.look(deployment)

    assert told.status == "skipped"
    assert DATABASE_VARIABLE in told.title
