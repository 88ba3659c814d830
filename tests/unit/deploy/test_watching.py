"""When a step fails on the local stack, the parts that do not run are named."""

from pathlib import Path

import pytest

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.local import stack
from deploy.local.parts import PartStatus
from deploy.steps.watching import watched


def _part(name: str, *, running: bool) -> PartStatus:
    return PartStatus(
        name=name, running=running, pid=None, port=1, detail="gone", log=Path("log")
    )


@pytest.fixture
def deployment(monkeypatch):
    parts = (_part("postgres", running=True), _part("stand-in", running=False))
    monkeypatch.setattr(stack, "status", lambda _: parts)
    monkeypatch.setattr(Deployment, "local_stack", lambda _: object())
    return Deployment(stack="local", progress=lambda _: None)


def _step(*statuses: Status, error: DeployError | None = None) -> Step[Deployment]:
    def run(_):
        for status in statuses:
            yield Result(id="crons.one", title="", status=status)
        if error:
            raise error

    return Step(id="crons", title="", run=run)


def test_a_failed_result_is_followed_by_what_does_not_run(deployment):
    results = list(watched(_step(Status.PASS, Status.FAIL)).run(deployment))

    assert results[-1].id == "crons.local-stack"
    assert results[-1].status is Status.WARN
    assert results[-1].title == (
        "of the local stack stand-in does not run; a deploy starts what is down"
    )
    assert results[-1].remedy == "./bootstrap deploy"


def test_an_error_stays_the_last_word_and_keeps_its_exit_code(deployment):
    error = DeployError("no answer")
    seen = []

    with pytest.raises(DeployError) as caught:
        seen += watched(_step(error=error)).run(deployment)

    assert caught.value is error


def test_a_step_that_passes_asks_nobody(deployment, monkeypatch):
    monkeypatch.setattr(stack, "status", pytest.fail)

    assert len(list(watched(_step(Status.PASS)).run(deployment))) == 1
