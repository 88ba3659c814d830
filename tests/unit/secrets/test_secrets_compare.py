"""Digests tell that a secret changed, and nothing of it."""

import doctest
from types import SimpleNamespace

import pytest

from deploy.checklist import Result, Status
from deploy.errors import DeployError, ExitCode
from deploy.secret_commands import judge
from deploy.secrets.compare import Difference, Held, compare, compare_records
from deploy.secrets.sources import _shown
from infra import digests
from infra.catalog.services import HEALTH_CHECK, SERVICES

EXPECTED = {"databaseUrl": "d1", "jwtSecret": "j1", "internalApiKey": "i1"}


def held(version="live", extra=(), **changes) -> Held:
    """What health-check has: as expected, but for some changes; None is empty."""
    found = {**EXPECTED, **changes}
    return Held(
        service=HEALTH_CHECK,
        version=version,
        names=frozenset([*HEALTH_CHECK.settings, *extra]),
        digests={key: value for key, value in found.items() if value},
    )


def test_equal_digests_differ_in_nothing():
    assert compare(EXPECTED, [held(), held("$LATEST")]) == []


def test_what_is_missing_extra_and_changed_is_told_by_function_and_version():
    function = held("$LATEST", ["DEBUG_TOKEN"], databaseUrl=None, jwtSecret="j2")

    differs = compare(EXPECTED, [function])
    differs = [(each.where, each.name, each.what) for each in differs]

    assert differs == [
        ("health-check:$LATEST", "DATABASE_URL", "missing"),
        ("health-check:$LATEST", "JWT_SECRET", "changed"),
        ("health-check:$LATEST", "DEBUG_TOKEN", "extra"),
    ]


def test_a_secret_that_is_not_set_is_extra_where_it_stands():
    expected = {key: each for key, each in EXPECTED.items() if key != "jwtSecret"}

    assert compare(expected, [held()]) == [
        Difference(where="health-check:live", name="JWT_SECRET", what="extra")
    ]


def test_a_secret_that_a_function_does_not_read_is_not_missed_there():
    assert compare({**EXPECTED, "geminiApiKey": "g1"}, [held()]) == []


def test_records_are_compared_by_key_with_unknown_ones():
    configured = {"jwtSecret": "j1", "redisUrl": "r1"}
    recorded = {"jwtSecret": "j2", "formerKey": "f1"}

    assert [
        (each.name, each.what) for each in compare_records(configured, recorded)
    ] == [
        ("jwtSecret", "changed"),
        ("redisUrl", "missing"),
        ("formerKey", "extra"),
    ]


def test_a_digest_is_the_same_again_and_another_elsewhere():
    first = digests.digest("production", "jwtSecret", "s" * 40)

    assert first == digests.digest.__wrapped__("production", "jwtSecret", "s" * 40)
    assert len(bytes.fromhex(first)) == digests.LENGTH
    others = {
        digests.digest("staging", "jwtSecret", "s" * 40),
        digests.digest("production", "internalApiKey", "s" * 40),
        digests.digest("production", "jwtSecret", "s" * 39 + "t"),
    }
    assert len({first, *others}) == 4


def test_a_parameter_is_read_as_it_was_written_and_holds_no_secret():
    written = digests.write("test", {"jwtSecret": "hunter2" * 6, "openaiApiKey": ""})

    assert set(digests.read(written)) == {"jwtSecret"}
    assert "hunter2" not in written


def test_a_parameter_of_another_format_is_refused():
    with pytest.raises(ValueError, match="its format is not 1"):
        digests.read('{"format": 2}')


def test_all_digests_fit_into_a_standard_parameter():
    from infra.catalog.secrets import SECRETS

    written = digests.write("test", {each.config: "x" for each in SECRETS})

    assert len(written) < 4_096 / 2


def test_examples_in_the_digests_docstrings_hold():
    result = doctest.testmod(digests)

    assert result.attempted
    assert not result.failed


def result(status: Status, **evidence: object) -> Result:
    return Result(id="secrets.x", title="", status=status, evidence=evidence)


def test_only_a_difference_is_a_change():
    differs = result(Status.FAIL, differs=[{}])
    equal, broken = result(Status.PASS), result(Status.FAIL)

    assert judge([equal], ExitCode.DONE) is ExitCode.DONE
    assert judge([equal, differs], ExitCode.FAILED) is ExitCode.CHANGES
    assert judge([differs, broken], ExitCode.AUTH) is ExitCode.AUTH


def test_what_the_pulumi_cli_prints_is_read_and_never_told():
    done = SimpleNamespace(
        returncode=0,
        stdout='{"kiloscale:jwtSecret": {"value": "hunter2", "secret": true}}',
    )
    failed = SimpleNamespace(returncode=255, stdout="hunter2", stderr="hunter2")
    garbled = SimpleNamespace(returncode=0, stdout="hunter2 {")

    assert _shown(done, "production") == {"kiloscale:jwtSecret": "hunter2"}
    for bad in (failed, garbled):
        with pytest.raises(DeployError) as caught:
            _shown(bad, "production")
        assert str(caught.value).startswith("Pulumi.production.yaml: the Pulumi CLI")
        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_every_secret_of_the_configuration_is_declared_with_its_setting():
    from dataclasses import fields

    from infra.catalog.secrets import SECRETS
    from infra.config import StackConfig

    secret = {each.name for each in fields(StackConfig) if "Output" in str(each.type)}

    assert {each.field for each in SECRETS} == secret
    read = {name for service in SERVICES for name in service.settings}
    assert {each.setting for each in SECRETS if each.setting} <= read
