"""Ctrl-C at moments that are hard to meet: between two results, before the first."""

import json

import pytest

from deploy import run
from deploy.checklist import Result, Status, Step, run_steps
from deploy.errors import ExitCode


class Interrupting:
    """An observer that is interrupted while it looks at something."""

    def __init__(self, at: str) -> None:
        self.at = at
        self.seen: list[str] = []

    def step_started(self, step_id: str, title: str) -> None:
        self._look(step_id)

    def checked(self, result: Result) -> None:
        self._look(result.id)

    def _look(self, name: str) -> None:
        self.seen.append(name)
        if name == self.at:
            raise KeyboardInterrupt


def _step(name: str) -> Step[None]:
    result = Result(id=f"{name}.done", title="done", status=Status.PASS, changed=True)
    return Step(id=name, title="", run=lambda _: iter([result]))


@pytest.mark.parametrize(
    ("at", "ids"),
    [
        ("one", ["one.interrupted"]),
        ("one.done", ["one.done", "one.interrupted"]),
        ("two", ["one.done", "two.interrupted"]),
    ],
)
def test_an_interrupt_between_two_results_ends_the_run_with_what_is_known(at, ids):
    observer = Interrupting(at)

    results, code = run_steps([_step("one"), _step("two")], None, observer)

    assert code is ExitCode.INTERRUPTED
    assert [result.id for result in results] == ids
    assert observer.seen[-1] == ids[-1]


def test_an_interrupt_outside_of_the_steps_is_a_document_too(capsys):
    with (
        pytest.raises(SystemExit) as ended,
        run.ending("deploy", "local", as_json=True),
    ):
        raise KeyboardInterrupt

    shown = capsys.readouterr()
    assert ended.value.code == ExitCode.INTERRUPTED
    assert shown.err == "deploy was interrupted\n-> ./bootstrap deploy\n"
    assert json.loads(shown.out)["exit_code"] == 130
