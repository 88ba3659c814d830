"""The policy pack as the engine runs it: its own process, over gRPC."""

import pytest
from policy_engine import served, urn
from pulumi.runtime.proto import analyzer_pb2

from benchmarks.infra.policy_faults import FAULTS
from benchmarks.infra.program import record
from infra.policies import OF_ONE, OF_WRAPPERS, RULES

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with served(tmp_path_factory.mktemp("pack")) as found:
        yield found


@pytest.fixture(scope="module")
def clean():
    return record().resources


def fault(name: str):
    return next(each for each in FAULTS if each.name == name)


def test_the_pack_tells_the_engine_its_policies(engine):
    info = engine.info()

    assert info.name == "kiloscale"
    assert len(info.policies) == len(RULES)
    levels = {each.enforcementLevel for each in info.policies}
    assert levels == {analyzer_pb2.MANDATORY}


def test_a_program_without_a_fault_has_no_violation(engine, clean):
    said = [d for each in clean for d in engine.analyze(each).diagnostics]
    said += engine.analyze_stack(clean).diagnostics

    assert said == []


def test_a_preview_is_judged_as_far_as_it_is_known(engine):
    preview = record(preview=True).resources

    said = [d for each in preview for d in engine.analyze(each).diagnostics]
    said += engine.analyze_stack(preview).diagnostics

    assert said == []


def test_what_is_judged_elsewhere_is_said(engine, clean):
    of_one = engine.analyze(clean[0]).not_applicable
    of_all = engine.analyze_stack(clean).not_applicable

    def names(rules):
        return {rule.__name__.replace("_", "-") for rule in rules}

    assert {each.policy_name for each in of_one} == names(OF_WRAPPERS & OF_ONE)
    assert {each.policy_name for each in of_all} == names(OF_WRAPPERS - OF_ONE)


def test_a_resource_with_a_fault_is_refused_before_it_is_made(engine, clean):
    faulty = fault("a log that is kept for ever").changed(clean)

    (said,) = engine.analyze(faulty).diagnostics

    assert said.policyName == "logs-expire"
    assert said.enforcementLevel == analyzer_pb2.MANDATORY
    assert "its events are kept for ever" in said.message


def test_a_fault_between_resources_is_laid_at_the_right_one(engine, clean):
    faulty = fault("a consumer without rights").put_into(clean)
    consumer = next(
        each
        for each in clean
        if each.type.startswith("aws:") and each.name == "llm-requests-consumer"
    )

    said = engine.analyze_stack(faulty).diagnostics

    assert {each.policyName for each in said} == {"consumers-may-poll"}
    assert {each.urn for each in said} == {urn(consumer)}


def test_every_seventh_fault_is_found_over_the_wire(engine, clean):
    missed, asked = [], 0
    for each in FAULTS[::7]:
        rule = each.expected.split(": ")[1]
        if rule in {one.__name__ for one in OF_WRAPPERS}:
            continue
        asked += 1
        alone = rule in {one.__name__ for one in OF_ONE}
        answer = (
            engine.analyze(each.changed(clean))
            if alone
            else engine.analyze_stack(each.put_into(clean))
        )
        if rule.replace("_", "-") not in {one.policyName for one in answer.diagnostics}:
            missed.append(each.name)

    assert asked > 10
    assert missed == []
