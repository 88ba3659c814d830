"""Ctrl-C and kill -9 at several moments of every step, each on a stack of its own.

Left out of a usual run: ``./bootstrap test --match sweep``.
"""

import pytest
from fault_deploys import Project

pytestmark = [pytest.mark.e2e, pytest.mark.sweep]

MOMENTS = [
    "preflight 0",
    "database 0",
    "database 1",
    "database 4",
    "migrations 0",
    "migrations 4",
    "migrations 9",
    "bundles 0",
    "bundles 2",
    "infrastructure 0",
    "infrastructure 12",
    "infrastructure 30",
    "crons 0",
    "crons 3",
    "functions 0",
    "functions 3",
    "functions 6",
    "monitoring 0",
    "monitoring 1",
]
"""Step, and how many lines of progress it has said."""


@pytest.fixture
def project(folder, request):
    copy = folder / "project"
    name = f"state-{abs(hash(request.node.name))}"
    if copy.exists():
        one = Project(folder=copy, state=folder / name)
    else:
        one = Project.copied_to(copy, folder / name)
    yield one
    one.run("local.reset", "--yes")


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize(("fault", "code"), [("sigint", 130), ("sigkill", -9)])
def test_sweep_a_deploy_goes_on_wherever_it_was_ended(project, fault, code, moment):
    ended = project.deploy(fault=f"{fault} {moment}")
    again = project.deploy("--resume")
    at_rest = project.deploy()

    assert ended.code == code
    assert "Traceback" not in ended.err
    assert again.works, again.report
    assert at_rest.works, at_rest.report
    assert not at_rest.report["changed"]


@pytest.mark.parametrize(
    ("part", "moment", "codes"),
    [
        ("postgres", "migrations 4", (4, 5)),
        ("postgres", "infrastructure 20", (5,)),
        ("postgres", "crons 0", (5,)),
        ("postgres", "functions 3", (5,)),
        ("postgres", "monitoring 0", (0,)),
        ("emulator", "infrastructure 20", (5,)),
        ("emulator", "functions 3", (5,)),
        ("emulator", "monitoring 0", (5,)),
        ("stand-in", "functions 0", (5, 7)),
        ("stand-in", "monitoring 0", (0,)),
    ],
)
def test_sweep_a_part_killed_at_any_moment_is_started_again(
    project, part, moment, codes
):
    ended = project.deploy(fault=f"{part} {moment}")
    again = project.deploy()

    assert ended.code in codes, ended.report
    assert "Traceback" not in ended.err
    assert again.works, again.report
