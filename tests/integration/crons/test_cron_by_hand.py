"""A job run by hand: seen before it runs, and on a cloud stack asked for."""

import json

import pytest

from deploy import cron_commands
from deploy import run as tasks
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.steps import crons

pytestmark = pytest.mark.integration


@pytest.fixture
def by_hand(cron_conn, cron_url, tidy, monkeypatch, capsys):
    """Run the task on a stack whose database this is; gives the code and its report."""
    monkeypatch.setattr(cron_commands, "PG_CRON_JOBS", (tidy,))
    monkeypatch.setattr(cron_commands, "check_stack", lambda _: None)
    monkeypatch.setattr(tasks, "check_stack", lambda _: None)
    monkeypatch.setenv("KILOSCALE_DATABASE_URL", cron_url)

    def run(**wishes):
        try:
            code = cron_commands.run_cron(
                "production", tidy.name, Output(as_json=True), **wishes
            )
        except SystemExit as ended:
            code = ended.code
        return code, json.loads(capsys.readouterr().out)["checks"][0]

    return run


def test_on_a_cloud_stack_somebody_must_say_yes(by_hand, monkeypatch):
    monkeypatch.setattr(crons, "running", lambda _: pytest.fail("it ran"))

    code, told = by_hand()

    assert code == 2
    assert "--yes is missing; nothing was changed" in told["title"]
    assert told["remedy"] == (
        "./bootstrap crons.run --job tidy --stack production --dry-run, then --yes"
    )


def test_a_dry_run_shows_the_jobs_own_probe_and_runs_nothing(by_hand, monkeypatch):
    monkeypatch.setattr("deploy.crons.run.run_job", lambda *_: pytest.fail("it ran"))

    code, told = by_hand(dry_run=True)

    assert code == 0
    assert told["title"].startswith("would run ")
    assert told["evidence"]["found"]


def test_a_yes_runs_it(by_hand, monkeypatch):
    ran = []

    def run_job(url, job):
        ran.append(job.name)
        raise tasks.UsageError("seen")

    monkeypatch.setattr("deploy.crons.run.run_job", run_job)

    assert by_hand(yes=True)[0] == 2
    assert ran == ["tidy"]


def test_the_local_stack_is_never_asked_about():
    local = Deployment(stack="local", progress=lambda _: None)

    assert tasks.confirm(local, yes=False) is None
