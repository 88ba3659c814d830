"""Every fault on purpose is seen, by the layer that must see it."""

from collections import Counter

import pytest

from benchmarks.infra import other_faults
from benchmarks.infra.catching import FAULTS, LAYERS, catch, report, seen
from benchmarks.infra.policy_faults import FAULTS as POLICY_FAULTS
from benchmarks.infra.program import record
from infra.policies import (
    RULES,
    access,
    capacity,
    check,
    data,
    delivery,
    documents,
    functions,
    leaks,
    names,
    references,
    schedules,
    watching,
)
from infra.policies.resources import Resources

# The rules of the edge and of the alarms' budgets have faults in tests of their own.
MODULES = (
    access,
    capacity,
    data,
    delivery,
    documents,
    functions,
    leaks,
    names,
    references,
    schedules,
    watching,
)


@pytest.fixture(scope="module")
def clean() -> Resources:
    return record().resources


def test_a_program_without_a_fault_breaks_no_rule(clean):
    assert check(clean) == []
    assert check(record(preview=True).resources) == []


@pytest.mark.parametrize("layer", LAYERS)
def test_every_fault_is_seen_by_its_layer(clean, layer):
    faults = [fault for fault in FAULTS if fault.layer == layer]

    missed = [each.fault.name for each in catch(faults, clean) if not each.message]

    assert faults
    assert missed == []


def test_there_are_more_than_forty_faults_and_no_two_of_a_name():
    names = Counter(fault.name for fault in FAULTS)

    assert len(names) > 40
    assert [name for name, count in names.items() if count > 1] == []


def test_every_rule_has_a_fault_that_breaks_it():
    named = {fault.expected.split(": ")[1] for fault in POLICY_FAULTS}

    rules = {rule.__name__ for module in MODULES for rule in module.RULES}
    assert rules <= named
    assert named <= {rule.__name__ for rule in RULES}


def test_a_layer_that_says_something_else_has_not_seen_the_fault():
    fault = other_faults.INVARIANTS[0]

    assert seen(fault, ["service chat_send: timeout_s is wrong"]).message == ""
    assert list(report([seen(fault, [])]))[-1].endswith("| **not caught** |")


def test_a_fault_in_what_is_not_there_is_refused(clean):
    fault = POLICY_FAULTS[0]

    with pytest.raises(LookupError, match="a public URL without InvokeFunctionUrl: no"):
        fault.put_into(clean.but([]))
