"""Each role of the program may do what the catalog declares, and nothing else."""

import json

import pytest

from benchmarks.infra import emulator_faults, rights
from benchmarks.infra.attempts import attempts
from benchmarks.infra.probes import zips
from benchmarks.infra.trying import matrix, row
from deploy.emulator.clients import client
from deploy.emulator.provision import provision
from infra.policies import RULES

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stack(start):
    stack = start().stack
    provision(stack, zips(stack.state), lambda _: None)
    return stack


def wrong(cells) -> list[str]:
    return [
        f"{cell.role} {cell.attempt.action} {cell.attempt.on}: {cell.result}"
        for cell in cells
        if not cell.is_right
    ]


@pytest.mark.parametrize("role", ["llm-handler", "relay-outbox-minutely"])
def test_a_role_may_do_what_is_declared_and_nothing_else(stack, role):
    cells = row(stack, role, attempts(stack))

    assert wrong(cells) == []
    assert 0 < sum(cell.may for cell in cells) < len(cells) / 2


@pytest.mark.sweep  # all roles, 16 s; `./bootstrap bench infra` tries them too
def test_every_role_may_do_what_is_declared_and_nothing_else(stack):
    cells = list(matrix(stack))

    assert wrong(cells) == []
    assert len(cells) > 500
    assert sum(cell.may for cell in cells) > 35
    assert {cell.role for cell in cells if cell.may} == set(rights.ROLES)


def test_everything_that_is_declared_was_tried(stack):
    tried = {(each.action, each.on) for each in attempts(stack)}

    for role in rights.ROLES:
        assert rights.declarations(role) <= tried, role


def test_a_right_too_many_and_one_too_few_are_seen(stack):
    iam, name = client(stack, "iam"), "kiloscale-local-read-history"
    before = iam.get_role_policy(RoleName=name, PolicyName="service")["PolicyDocument"]
    queue = "arn:aws:sqs:eu-central-1:000000000000:kiloscale-local-llm-requests"
    purge = {"Effect": "Allow", "Action": "sqs:PurgeQueue", "Resource": queue}
    document = json.dumps({"Version": "2012-10-17", "Statement": [purge]})

    iam.put_role_policy(RoleName=name, PolicyName="service", PolicyDocument=document)
    seen = wrong(row(stack, "read-history", attempts(stack)))
    iam.put_role_policy(
        RoleName=name, PolicyName="service", PolicyDocument=json.dumps(before)
    )

    assert sorted(seen) == [
        "read-history kms:Decrypt own key: refused",
        "read-history logs:CreateLogStream read-history: refused",
        "read-history logs:PutLogEvents read-history: refused",
        "read-history sqs:PurgeQueue llm-requests: allowed",
    ]


def test_what_the_emulator_cannot_check_has_a_rule():
    assert set(rights.NOT_PROVED) <= {rule.__name__ for rule in RULES}


# Last: it takes rights away.
def test_every_fault_that_shows_at_run_time_is_seen(stack):
    found = emulator_faults.catch(emulator_faults.FAULTS, stack)

    assert [each.fault.name for each in found if not each.message] == []
    assert len(found) >= 14
