"""Choosing steps, asking, judging and ending."""

import pytest

from deploy import console, run
from deploy.checklist import Result, Status
from deploy.deployment import Deployment, check_stack
from deploy.errors import DeployError, ExitCode, LockedError, UsageError
from deploy.selection import select
from deploy.steps import CHECKLIST


def deployment(stack: str = "local", *, dry_run: bool = False) -> Deployment:
    return Deployment(stack=stack, progress=lambda _: None, dry_run=dry_run)


def result(status: Status, *, planned: bool = False) -> Result:
    return Result(id="a.b", title="", status=status, planned=planned)


def test_the_steps_run_in_the_order_of_the_checklist():
    chosen = select(CHECKLIST, "crons, preflight", "")

    assert [step.id for step in chosen] == ["preflight", "crons"]


def test_skipped_steps_are_left_out():
    chosen = select(CHECKLIST, "", "cdn,alarms")

    assert [step.id for step in chosen][-1] == "monitoring"


def test_an_unknown_step_names_the_known_ones():
    with pytest.raises(UsageError, match="no step named migration; the steps are pre"):
        select(CHECKLIST, "migration", "")


def test_leaving_out_everything_is_refused():
    with pytest.raises(UsageError, match="leaves no step"):
        select(CHECKLIST, "crons", "crons")


def test_an_unknown_stack_names_the_known_ones():
    with pytest.raises(UsageError, match=r"no stack named 'prod': .* known: local"):
        check_stack("prod")


def test_a_cloud_stack_is_not_changed_when_nobody_can_be_asked(monkeypatch):
    monkeypatch.setattr(console, "asks", lambda: False)

    with pytest.raises(UsageError, match="--yes is missing; nothing was changed"):
        run.confirm(deployment("production"), yes=False)


def test_a_wrong_answer_changes_nothing(monkeypatch):
    monkeypatch.setattr(console, "asks", lambda: True)
    monkeypatch.setattr(console, "ask", lambda _: "yes")

    with pytest.raises(UsageError, match="'yes' is not 'production'"):
        run.confirm(deployment("production"), yes=False)


@pytest.mark.parametrize(
    ("stack", "dry_run", "yes"),
    [("local", False, False), ("production", True, False), ("production", False, True)],
)
def test_nobody_is_asked_where_nothing_is_at_risk(monkeypatch, stack, dry_run, yes):
    monkeypatch.setattr(console, "ask", lambda _: pytest.fail("asked"))

    run.confirm(deployment(stack, dry_run=dry_run), yes=yes)


def test_a_pending_check_makes_verify_crons_exit_8_and_deploy_exit_0():
    results = [result(Status.PASS), result(Status.PENDING)]

    assert run.verify_judge(results, ExitCode.DONE) is ExitCode.PENDING
    assert run.plain_judge(results, ExitCode.DONE) is ExitCode.DONE


def test_check_exits_6_if_something_would_change():
    planned = [result(Status.PASS, planned=True)]

    assert run.check_judge(planned, ExitCode.DONE) is ExitCode.CHANGES
    assert run.check_judge([result(Status.PASS)], ExitCode.DONE) is ExitCode.DONE
    assert run.check_judge(planned, ExitCode.FAILED) is ExitCode.FAILED


def test_an_operators_error_is_shown_without_a_traceback(capsys):
    error = LockedError("somebody deploys", remedy="wait")

    with (
        pytest.raises(SystemExit) as ended,
        run.ending("deploy", "local", as_json=False, debug=False),
    ):
        raise error

    assert ended.value.code == ExitCode.LOCKED
    assert capsys.readouterr().err == "somebody deploys\n-> wait\n"


def test_debug_keeps_the_traceback():
    with (
        pytest.raises(DeployError),
        run.ending("deploy", "local", as_json=False, debug=True),
    ):
        raise DeployError("seen")


def test_an_interrupt_ends_with_130(capsys):
    with pytest.raises(SystemExit) as ended, run.ending("deploy", "local"):
        raise KeyboardInterrupt

    assert ended.value.code == ExitCode.INTERRUPTED
    assert "-> ./bootstrap deploy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("task", "remedy"),
    [
        ("deploy", "./bootstrap deploy --resume --stack production"),
        ("demo", "./bootstrap demo --stack production"),
    ],
)
def test_an_interrupted_task_is_gone_on_with(task, remedy):
    interrupted = Result(id="one.interrupted", title="", status=Status.FAIL)

    assert run._remedy(interrupted, task, "production") == remedy
