"""Ctrl-C, kill -9 and killed parts at many moments of every step.

Left out of a usual run: ``./bootstrap test --match sweep``.
"""

import pytest
from fault_deploys import Project

pytestmark = [pytest.mark.e2e, pytest.mark.sweep]

MOMENTS = [
    "preflight 0",
    "preflight 3",
    "database 0",
    "database 1",
    "database 4",
    "migrations 0",
    "migrations 3",
    "migrations 7",
    "bundles 0",
    "bundles 2",
    "infrastructure 0",
    "infrastructure 12",
    "crons 0",
    "crons 3",
    "functions 0",
    "functions 3",
    "functions 6",
    "monitoring 0",
    "monitoring 1",
    "alarms 0",
]
"""Step, and how many lines of progress it has said. In the order of the checklist: each
moment finds undone what the ones before it did not come to."""


@pytest.fixture
def fresh(folder, request):
    """A stack that was never started, on a copy that is made once."""
    copy, state = folder / "project", folder / f"state-{abs(hash(request.node.name))}"
    made = Project(folder=copy, state=state)
    one = made if copy.exists() else Project.copied_to(copy, state)
    yield one
    one.run("local.reset", "--yes")


@pytest.mark.parametrize(("fault", "code"), [("sigint", 130), ("sigkill", -9)])
def test_sweep_a_deploy_goes_on_wherever_it_was_ended(fresh, fault, code):
    for moment in MOMENTS:
        ended = fresh.deploy(fault=f"{fault} {moment}")
        assert (moment, ended.code) == (moment, code), ended.err
        assert ended.report.get("exit_code") in (code, None)
        assert (code == 130) == bool(ended.report)
        assert "Traceback" not in ended.err

    again = fresh.deploy("--resume")
    whole = fresh.deploy()
    at_rest = fresh.deploy()

    assert again.works, again.report
    assert whole.works, whole.report
    assert at_rest.works, at_rest.report
    assert not at_rest.report["changed"]


@pytest.mark.parametrize(
    ("part", "moment", "codes"),
    [
        ("postgres", "migrations 4", (4, 5)),
        ("postgres", "infrastructure 20", (5,)),
        ("postgres", "functions 3", (5, 7)),
        ("emulator", "infrastructure 20", (5,)),
        ("emulator", "functions 3", (5,)),
        ("stand-in", "functions 0", (5, 7)),
    ],
)
def test_sweep_a_part_killed_at_any_moment_is_started_again(fresh, part, moment, codes):
    ended = fresh.deploy(fault=f"{part} {moment}")
    again = fresh.deploy()

    assert ended.code in codes, ended.report
    assert "Traceback" not in ended.err
    assert again.works, again.report
