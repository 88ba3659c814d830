"""Details of rules that no single fault shows."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from benchmarks.infra.policy_faults import FAULTS
from benchmarks.infra.program import SECRETS, record
from functions.health_check.health import gauges
from infra.catalog.services import CLOUD_RUNTIME
from infra.policies import capacity, check, functions, watching
from infra.policies.resources import Registered, Resources, may


@pytest.fixture(scope="module")
def clean() -> Resources:
    return record().resources


def test_the_rules_know_the_gauges_that_the_health_check_publishes():
    seen = {
        name: SimpleNamespace(value=1)
        for name in ("database_bytes", "invocations_month", "realtime_connections")
    }
    seen["outbox"] = SimpleNamespace(value={"oldest_s": 1})
    seen["crons"] = SimpleNamespace(value={"failed": []})

    assert set(gauges(seen)) == watching.GAUGES


def test_no_finding_quotes_a_secret(clean):
    for fault in FAULTS:
        for finding in check(fault.put_into(clean)):
            assert not any(secret in finding.what for secret in SECRETS.values())


def test_our_runtime_is_supported_for_another_year():
    until = functions.DEPRECATED_ON[CLOUD_RUNTIME]

    assert (until - datetime.now(UTC).date()).days > 365


def test_a_larger_pooler_has_room_for_more(clean):
    fault = next(each for each in FAULTS if "more invocations than" in each.name)
    faulty = fault.put_into(clean)

    small = list(capacity.connections_fit_the_pooler(faulty))
    faulty.pooler_room = 300
    large = list(capacity.connections_fit_the_pooler(faulty))

    assert "156 simultaneous invocations" in small[0].what
    assert large == []


def test_a_stack_that_reserves_for_all_breaks_no_rule():
    reserved = record(changes={"reserveConcurrency": "true"}).resources

    assert check(reserved) == []


def test_a_right_that_is_denied_is_none():
    def policy(effect: str) -> Registered:
        statement = {"Effect": effect, "Action": "a:B", "Resource": "r"}
        document = json.dumps({"Statement": statement})
        inputs = {"role": "x", "policy": document}
        return Registered(
            type="aws:iam/rolePolicy:RolePolicy", name=effect, inputs=inputs
        )

    allowed, denied = policy("Allow"), policy("Deny")

    assert may(Resources([allowed]), "x", "a:B", "r")
    assert not may(Resources([allowed, denied]), "x", "a:B", "r")
    assert not may(Resources([allowed]), "x", "a:C", "r")
    assert not may(Resources([allowed]), "y", "a:B", "r")
