"""The benchmark of the infrastructure: its groups, and what it says of gaps."""

from importlib import import_module

import pytest

from benchmarks import infra
from benchmarks.infra import emulator_faults, matrix, rights, seeded
from benchmarks.infra.catching import FAULTS, Seen
from benchmarks.infra.other_faults import INVARIANTS
from benchmarks.infra.rights import Attempt, Cell, table
from deploy import bench
from deploy.paths import REPOSITORY
from infra.catalog.services import SERVICES


@pytest.mark.parametrize("group", infra.GROUPS)
def test_each_group_measures(group):
    assert callable(import_module(f"benchmarks.infra.{group}").measure)


def test_the_suite_is_listed_and_its_parts_are_not():
    assert "infra" in bench.suites()
    assert not set(infra.GROUPS) & set(bench.suites())


def test_a_fault_that_nobody_saw_misses_the_target(monkeypatch):
    found = [
        Seen(fault=INVARIANTS[0], message="x"),
        Seen(fault=INVARIANTS[1], message=""),
    ]
    monkeypatch.setattr(seeded, "_without_emulator", lambda progress: found)
    monkeypatch.setattr(seeded, "_on_emulator", lambda progress: [])
    monkeypatch.setattr(seeded, "_clean", lambda: 1)

    caught, clean = seeded.measure(lambda _: None)

    assert (caught.value, caught.target, caught.ok) == (1, 2, False)
    assert clean.ok is False


def cell(may: bool, result: str) -> Cell:
    attempt = Attempt(action="sqs:SendMessage", on="q", api="sqs", operation="x")
    return Cell(role="chat-send", attempt=attempt, may=may, result=result)


@pytest.mark.parametrize(
    ("may", "result", "is_right", "sign"),
    [
        (True, "allowed", True, "yes"),
        (False, "refused", True, "."),
        (False, "allowed", False, "**allowed**"),
        (True, "refused", False, "**refused**"),
        (False, "InternalError", False, "**InternalError**"),
    ],
)
def test_a_cell_is_right_if_it_is_as_declared(monkeypatch, may, result, is_right, sign):
    monkeypatch.setattr(rights, "ROLES", ("chat-send",))
    one = cell(may, result)

    assert one.is_right is is_right
    assert list(table([one]))[-1] == f"| sqs:SendMessage | q | {sign} |"


def test_what_is_declared_follows_the_catalog():
    declared = rights.declarations("llm-handler")

    assert ("sqs:SendMessage", "memory-extractions") in declared
    assert ("sqs:SendMessage", "llm-requests") not in declared
    assert ("sqs:DeleteMessage", "llm-requests") in declared
    assert {service.name for service in SERVICES} < set(rights.ROLES)
    assert matrix.NOT_PROVED


def test_the_written_proofs_have_every_fault_and_every_role():
    written = (REPOSITORY / "docs" / "infrastructure-proofs.md").read_text()

    faults = [*FAULTS, *emulator_faults.FAULTS]
    assert [f.name for f in faults if f"| {f.name} | {f.layer} |" not in written] == []
    assert all(f" {role} |" in written for role in rights.ROLES)
    assert "not caught" not in written
