"""Digests tell that a secret changed, and nothing of it."""

import doctest
from types import SimpleNamespace

import pytest

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError, ExitCode, UsageError
from deploy.secret_commands import _of_record, judge, looked
from deploy.secrets import sources
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
    from infra.cdn_config import CdnConfig
    from infra.config import StackConfig

    secret = {each.name for each in fields(StackConfig) if "Output" in str(each.type)}
    secret |= {
        f"cdn.{each.name}" for each in fields(CdnConfig) if "Output" in str(each.type)
    }

    assert {each.field for each in SECRETS} == secret
    read = {name for service in SERVICES for name in service.settings}
    assert {each.setting for each in SECRETS if each.setting} <= read


CLI = """#!/bin/sh
printf '%s\\n' "$*" >> "$0.asked"
{then}
"""
ANSWER = '{"kiloscale:jwtSecret": {"value": "hunter2", "secret": true}}'


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Puts a Pulumi CLI on the path that does as told; gives what it was asked."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(then: str):
        path = tmp_path / "pulumi"
        path.write_text(CLI.format(then=then))
        path.chmod(0o755)
        return tmp_path / "pulumi.asked"

    return make


def production() -> Deployment:
    return Deployment(stack="production", progress=lambda _: None)


def test_a_cloud_stack_without_the_cli_says_that_it_cannot_be_asked(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))

    assert sources.configured(production()) is None


def test_the_cli_decrypts_what_a_cloud_stack_has_configured(cli):
    asked = cli(f"echo '{ANSWER}'")

    found = sources.configured(production())

    assert found == {"jwtSecret": digests.digest("production", "jwtSecret", "hunter2")}
    assert asked.read_text() == (
        "config --show-secrets --json --stack production --non-interactive\n"
    )


def test_a_cli_that_cannot_decrypt_is_told_without_what_it_printed(cli):
    cli("echo hunter2; echo hunter2 >&2; exit 255")

    with pytest.raises(DeployError) as caught:
        sources.configured(production())

    assert str(caught.value) == (
        "Pulumi.production.yaml: the Pulumi CLI does not decrypt it (exit code 255):"
        " what is configured cannot be compared"
    )
    assert caught.value.remedy == "pulumi config --stack production"


def test_a_cli_that_hangs_is_given_up(cli, monkeypatch):
    monkeypatch.setattr(sources, "CLI_TIMEOUT_S", 0.2)
    cli("echo hunter2; exec sleep 20")

    with pytest.raises(DeployError, match=r"\(TimeoutExpired\)"):
        sources.configured(production())


class Undecrypted:
    """Lambda, asked by somebody without kms:Decrypt."""

    def get_function_configuration(self, **_):
        error = {"ErrorCode": "AccessDeniedException", "Message": "not kms:Decrypt"}
        return {"Environment": {"Error": error}}


def test_whoever_may_not_decrypt_an_environment_is_told_the_right_that_lacks(
    monkeypatch,
):
    monkeypatch.setattr(sources.account, "client", lambda *_: Undecrypted())

    with pytest.raises(AuthError, match=r"chat-send .*without kms:Decrypt") as caught:
        list(sources.held(production()))

    assert caught.value.exit_code == ExitCode.AUTH


@pytest.mark.parametrize(
    ("configured", "recorded", "status", "words"),
    [
        (None, {"jwtSecret": "j1"}, Status.SKIPPED, "there is no Pulumi CLI here"),
        ({"jwtSecret": "j1"}, None, Status.SKIPPED, "no deploy has recorded digests"),
        ({"jwtSecret": "j1"}, {"jwtSecret": "j1"}, Status.PASS, "the 1 that are conf"),
        ({"jwtSecret": "j1"}, {"jwtSecret": "j2"}, Status.FAIL, "jwtSecret changed"),
    ],
)
def test_what_cannot_be_compared_is_skipped_and_says_why(
    configured, recorded, status, words
):
    found = _of_record(configured, recorded)

    assert found.status is status
    assert words in found.title


def test_a_stack_with_neither_record_nor_configuration_is_an_error(monkeypatch):
    monkeypatch.setattr(sources, "configured", lambda _: None)
    monkeypatch.setattr(sources, "recorded", lambda _: None)

    with pytest.raises(UsageError, match="production has no recorded digests"):
        list(looked(production()))
