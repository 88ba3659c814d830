"""What stops a deploy before anything is changed: each is recognised and told.

The CLI is an imitation (``fake_pulumi.py``) that says what the real one says.
"""

import pytest

from deploy.engine import cli
from deploy.engine.failures import explain
from deploy.engine.previewing import preview
from deploy.errors import AuthError, DeployError, LockedError, UsageError

pytestmark = pytest.mark.integration

LOCK = (
    "the stack is currently locked by 1 lock(s). Either wait for the other process(es)"
    " to end or delete the lock file with `pulumi cancel`.\n"
    "  s3://state/.pulumi/locks/organization/kiloscale/production/1.json: created by"
    " bob@laptop (pid 4711) at 2026-11-26T10:00:00Z"
)

PROBLEMS = [
    "Pulumi.production.yaml: kiloscale:databaseUrl: missing; run `pulumi ...`",
    "Pulumi.production.yaml: kiloscale:logRetentionDays: must be one of 1, 3, got 2",
]
CONFIG = "Traceback:\ninfra.config_values.ConfigError: " + "\n".join(PROBLEMS)


TRACEBACK = """Program failed with an unhandled exception:
Traceback (most recent call last):
  File "infra/__main__.py", line 3, in main
    compose()
TypeError: compose() takes 2 arguments"""


def refused(deployment):
    with pytest.raises(DeployError) as caught:
        preview(deployment)
    return caught.value


def test_a_missing_cli_is_offered_and_not_installed(make, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))

    error = refused(make())

    assert isinstance(error, UsageError)
    assert "the Pulumi CLI is not installed" in str(error)
    assert error.remedy.startswith("curl -fsSL https://get.pulumi.com | sh")
    assert list(tmp_path.iterdir()) == []


def test_the_cli_is_found_where_its_installer_puts_it(fake, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("PULUMI_HOME", str(fake.folder))

    assert cli.find().command == str(fake.folder / "bin" / "pulumi")


@pytest.mark.parametrize("version", ["v3.205.0", "v2.9.1"])
def test_an_old_cli_is_refused_with_the_oldest_that_will_do(fake, make, version):
    fake.told(version=version)

    error = refused(make())

    assert f"Pulumi {version[1:]} is too old: 3.206.0 or later" in str(error)


def test_a_cli_that_tells_no_version_is_refused(fake, make):
    fake.told(version="surprise")

    assert "does not tell its version" in str(refused(make()))


def test_nobody_logged_in(fake, make):
    error = refused(fake.told(logged_in=False) and make())

    assert isinstance(error, AuthError)
    assert str(error).startswith("not logged in to a Pulumi backend")
    assert error.remedy.startswith("pulumi login")


def test_a_backend_without_the_stack(fake, make):
    error = refused(fake.told(stacks=["staging"]) and make())

    assert isinstance(error, UsageError)
    assert "has no stack named production" in str(error)
    assert error.remedy.endswith("pulumi stack init production")


def test_the_selected_stack_of_the_user_stays_selected(fake, make):
    preview(make())

    assert not any("select" in call for call in fake.calls)


@pytest.mark.parametrize(
    ("given", "text"),
    [(None, "is not set"), ("wrong", "the passphrase is not the one")],
)
def test_a_passphrase_that_is_missing_or_wrong(fake, make, monkeypatch, given, text):
    fake.told(passphrase="right")
    if given:
        monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", given)

    error = refused(make())

    assert (type(error), text in str(error)) == (AuthError, True)
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in error.remedy


def test_values_of_the_configuration_are_named_all_at_once(fake, make):
    error = refused(fake.told(program_error=CONFIG) and make())

    assert isinstance(error, UsageError)
    assert str(error).splitlines() == [*PROBLEMS, "nothing was changed"]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (TRACEBACK, "TypeError: compose() takes 2 arguments"),
        (
            "policy queues-are-encrypted: llm-requests has no key",
            "policy queues-are-encrypted: llm-requests has no key",
        ),
    ],
)
def test_an_error_that_nobody_foresaw_is_told_by_its_reason(fake, make, told, reason):
    error = refused(fake.told(program_error=told) and make())

    assert str(error) == (
        f"pulumi failed for stack production: {reason}; nothing was changed"
    )


@pytest.mark.parametrize(
    ("said", "kind", "text", "remedy"),
    [
        (
            LOCK,
            LockedError,
            "locked by another update (bob@laptop, pid 4711, since 2026-11-26T",
            "wait for it; if it was killed: pulumi cancel --stack production",
        ),
        (
            "[409] Conflict: Another update is currently in progress.",
            LockedError,
            "stack production is locked by another update; nothing was changed",
            "wait for it; if it was killed: pulumi cancel --stack production",
        ),
        (
            "error: [401] Unauthorized: No credentials provided or are invalid.",
            AuthError,
            "refuses the access token",
            "pulumi login",
        ),
        (
            "error: no resource plugin 'pulumi-resource-aws-v7.51.1' found",
            DeployError,
            "a provider's plugin is not installed",
            "pulumi install --stack production",
        ),
        (
            "aws:config: Missing region",
            UsageError,
            "aws:region: is missing",
            "pulumi config set aws:region eu-central-1 --stack production",
        ),
        (
            "unable to validate AWS credentials.",
            AuthError,
            "AWS credentials are missing, expired or refused",
            "aws sso login, or export AWS_PROFILE=..., then try again",
        ),
        (
            "Missing required configuration variable 'kiloscale:jwtSecret'",
            UsageError,
            "Pulumi.production.yaml: kiloscale:jwtSecret: missing",
            "pulumi config set --stack production <key> <value>",
        ),
        (
            "error: something new\nerror: with postgres://u:hunter2@h/db in it",
            DeployError,
            "something new\nwith postgres://u:***@h/db in it",
            "pulumi preview --stack production --diff",
        ),
    ],
)
def test_what_the_cli_says_becomes_what_to_do(said, kind, text, remedy):
    error = explain(said, "production")

    assert type(error) is kind
    assert text in str(error)
    assert error.remedy == remedy
    assert "hunter2" not in f"{error}{error.evidence}"
