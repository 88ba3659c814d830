"""``crons.adopt``: shown, asked about, taken over, and given back by its undo."""

import json

import pytest

from deploy import console, cron_commands
from deploy.commands import Output
from deploy.deployment import DATABASE_VARIABLE

pytestmark = pytest.mark.integration

NAME = "archive-old-messages"
THEIRS = (NAME, "0 9 * * *", "select 'it''s ours'", True)
JOBS = "select jobname::text, schedule, command, active from cron.job order by jobid"


@pytest.fixture
def foreign(cron_conn, monkeypatch):
    """A cloud stack in whose database somebody made a job of a declared name."""
    monkeypatch.setattr("deploy.deployment.stack_names", lambda: ["production"])
    monkeypatch.setattr(console, "asks", lambda: False)
    url = cron_conn.info.dsn + f" password={cron_conn.info.password}"
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    cron_conn.execute("select cron.schedule(%s, %s, %s)", THEIRS[:3])
    return cron_conn


@pytest.fixture
def adopt(capsys):
    """Runs the task on the cloud stack; gives its exit code and its report."""

    def run_task(*, dry_run=False, yes=False, job=NAME):
        capsys.readouterr()
        out = Output(as_json=True)
        try:
            code = cron_commands.adopt("production", job, out, dry_run=dry_run, yes=yes)
        except SystemExit as end:
            code = end.code
        return code, json.loads(capsys.readouterr().out)["checks"][0]

    return run_task


def test_a_dry_run_shows_both_definitions_and_changes_nothing(foreign, adopt):
    code, check = adopt(dry_run=True)

    assert (code, check["status"]) == (0, "pass")
    assert check["title"].endswith(
        f" of role postgres: {THEIRS[1]} {THEIRS[2]} becomes 0 4 1 * * call"
        " kiloscale.run_archive_old_messages()"
    )
    assert check["evidence"]["before"]["command"] == THEIRS[2]
    assert check["evidence"]["declared"]["schedule"] == "0 4 1 * *"
    assert foreign.execute(JOBS).fetchall() == [THEIRS]


@pytest.mark.parametrize("active", [True, False])
def test_it_is_ours_after_it_and_theirs_again_after_the_undo(
    cluster, foreign, adopt, active
):
    with cluster.admin() as admin:
        admin.execute("update cron.job set active = %s", [active])
    code, check = adopt(yes=True)
    ours = foreign.execute(JOBS).fetchall()
    again, nothing = adopt(yes=True)

    assert (code, ours[0][2]) == (0, "call kiloscale.run_archive_old_messages()")
    assert (again, nothing["title"]) == (0, "is ours already, as declared")
    foreign.execute(check["evidence"]["undo"].encode())
    assert foreign.execute(JOBS).fetchall() == [(*THEIRS[:3], active)]
    assert adopt(dry_run=True)[1]["title"].startswith("would take over job ")


def test_on_a_cloud_stack_somebody_must_say_yes(foreign, adopt):
    code, check = adopt()

    assert code == 2
    assert check["title"].endswith("--yes is missing; nothing was changed")
    assert foreign.execute(JOBS).fetchall() == [THEIRS]


@pytest.mark.parametrize(("answer", "code"), [(NAME, 0), ("yes", 2)])
def test_a_person_sees_both_and_types_the_name(
    foreign, adopt, monkeypatch, answer, code
):
    asked = []
    monkeypatch.setattr(console, "asks", lambda: True)
    monkeypatch.setattr(console, "ask", lambda text: asked.append(text) or answer)

    assert adopt()[0] == code

    assert f"{THEIRS[1]} {THEIRS[2]}\ndeclared: 0 4 1 * * call " in asked[0]
    assert (foreign.execute(JOBS).fetchall() == [THEIRS]) == (code != 0)


def test_a_job_that_changed_while_somebody_thought_is_left_alone(
    foreign, adopt, monkeypatch
):
    def think(_):
        foreign.execute("select cron.schedule(%s, '1 1 * * *', 'select 1')", [NAME])
        return NAME

    monkeypatch.setattr(console, "asks", lambda: True)
    monkeypatch.setattr(console, "ask", think)

    code, check = adopt()

    assert (code, check["status"]) == (4, "fail")
    assert "was changed after it was shown" in check["title"]
    assert foreign.execute(JOBS).fetchall()[0][2] == "select 1"


def test_another_role_s_job_is_for_that_role_to_end(cluster, foreign, adopt):
    with cluster.admin() as admin:
        admin.execute("update cron.job set username = 'kiloscale_admin'")

    code, check = adopt(yes=True)

    assert code == 3
    assert check["remedy"].startswith("as role kiloscale_admin: select cron.unschedule")
    assert len(foreign.execute(JOBS).fetchall()) == 1


def test_a_name_that_nobody_took_is_left_to_the_deploy(foreign, adopt):
    code, check = adopt(job="snapshot-health", yes=True)

    assert (code, check["status"]) == (0, "skipped")
    assert check["remedy"] == "./bootstrap deploy --only crons --stack production"


def test_a_name_that_is_not_declared_is_refused(foreign, adopt):
    code, check = adopt(job="theirs")

    assert code == 2
    assert check["title"].startswith("no job named 'theirs' is declared; known: clean")
