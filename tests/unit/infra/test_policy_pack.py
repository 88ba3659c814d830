"""The policy pack says what the rules say; no engine runs."""

import json

import pytest
import yaml
from pack_asked import NOT_IN_THE_PACK, PACK, ask, needs_another
from pulumi.output import Unknown
from pulumi_policy import (
    EnforcementLevel,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    proxy,
)
from pulumi_policy import policy as policy_module

from benchmarks.infra.policy_faults import FAULTS
from benchmarks.infra.program import configuration, record
from deploy.paths import REPOSITORY
from infra.config import StackConfig
from infra.config_values import Values
from infra.policies import OF_ONE, RULES
from infra.policies.leaks import SECRET_KEYS
from infra.policies.resources import Resources
from infra.policypack.adapter import plain
from infra.policypack.policies import name_of


@pytest.fixture(scope="module")
def clean() -> Resources:
    return record().resources


def test_each_rule_is_a_mandatory_policy_with_a_description():
    assert [each.name for each in PACK] == [name_of(rule) for rule in RULES]
    for each in PACK:
        assert each.enforcement_level is EnforcementLevel.MANDATORY
        assert each.description.startswith("Find ")
        assert each.description.endswith(".")


def test_rules_on_one_resource_are_asked_before_it_is_made():
    for rule, policy in zip(RULES, PACK, strict=True):
        assert isinstance(policy, ResourceValidationPolicy) == (rule in OF_ONE)


def test_a_program_without_a_fault_violates_nothing(clean):
    assert ask(clean) == set()


def test_a_preview_with_unknown_values_violates_nothing():
    assert ask(record(preview=True).resources) == set()


def test_the_pack_finds_every_fault_where_the_rules_do(clean, monkeypatch):
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(configuration({})))
    by_name = {each.name: each for each in PACK}
    missed, asked = [], 0
    for fault in FAULTS:
        resource, rule, _ = fault.expected.split(": ")
        policy = rule.replace("_", "-")
        if policy in NOT_IN_THE_PACK:
            continue
        asked += 1
        found = ask(fault.put_into(clean), [by_name[policy]])
        if resource not in {where for where, _, _ in found}:
            missed.append(fault.name)

    assert asked > 100
    assert missed == []


def test_the_pack_knows_every_key_that_is_secret(monkeypatch):
    asked = set()
    read = Values.secret

    def remember(self, key, *args, **more):
        asked.add(f"kiloscale:{key}")
        return read(self, key, *args, **more)

    monkeypatch.setattr(Values, "secret", remember)
    record(lambda: StackConfig.load() and {})

    assert len(asked) > 5
    assert asked <= SECRET_KEYS


def test_rules_on_one_resource_need_no_other(clean):
    for fault in FAULTS:
        resource, name, _ = fault.expected.split(": ")
        rule = next(each for each in RULES if each.__name__ == name)
        if rule not in OF_ONE:
            continue
        faulty = fault.put_into(clean)
        assert not needs_another(rule, faulty), fault.name
        assert resource in {finding.resource for finding in rule(faulty)}


def test_a_rule_about_wrappers_says_why_it_is_not_asked(clean):
    policy = next(each for each in PACK if each.name == "secrets-are-secret")
    function = next(each for each in clean if each.name == "chat-send")
    args = ResourceValidationArgs(function.type, {}, "urn", "chat-send", None, None)

    with pytest.raises(policy_module._NotApplicableError) as error:
        policy.validate(args, lambda *_: None)

    assert "the engine hands secrets to a policy pack unwrapped" in error.value.reason


def test_unknown_values_of_every_type_become_unknown():
    texts = {
        name: value
        for name, value in vars(proxy).items()
        if name.startswith("UNKNOWN_") and name.endswith("_VALUE")
    }
    given = proxy.unknown_checking_proxy({"list": [*texts.values()], "known": "x"})

    found = plain(given)

    assert len(texts) == 7
    assert all(isinstance(each, Unknown) for each in found["list"])
    assert found["known"] == "x"


def test_the_pack_runs_in_the_environment_of_the_program():
    folder = REPOSITORY / "infra" / "policypack"
    project = yaml.safe_load((folder / "PulumiPolicy.yaml").read_text())

    assert project["runtime"]["name"] == "python"
    virtualenv = folder / project["runtime"]["options"]["virtualenv"]
    assert virtualenv.resolve() == (REPOSITORY / ".venv").resolve()
    for line in (folder / "requirements.txt").read_text().splitlines():
        if line.startswith(("-r ", "-e ")):
            assert (folder / line[3:]).exists(), line
