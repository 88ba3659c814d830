"""Where the proofs of a cloud stack get their secrets and their user from."""

import pytest

from deploy import stackfiles
from deploy.cloud import settings
from deploy.errors import AuthError, UsageError
from deploy.planning.engine_preview import preview_with_engine

pytestmark = pytest.mark.integration

USER = "0b9f0d0e-3a53-4a54-9d5a-0a6c1a6f6f10"


def test_the_environment_comes_first_and_asks_no_cli(fake, make, monkeypatch):
    monkeypatch.setenv("KILOSCALE_JWT_SECRET", "given")

    assert settings.secret(make(), settings.JWT_SECRET) == "given"
    assert fake.calls == []


def test_else_the_engine_decrypts_it_and_no_command_shows_it(fake, make, monkeypatch):
    monkeypatch.delenv("KILOSCALE_JWT_SECRET", raising=False)

    assert settings.secret(make(), settings.JWT_SECRET) == "s" * 40
    assert "s" * 40 not in "\n".join(fake.calls)


def test_a_wrong_passphrase_is_told_as_that(fake, make, monkeypatch):
    monkeypatch.delenv("KILOSCALE_JWT_SECRET", raising=False)
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "wrong")
    fake.told(passphrase="right")

    with pytest.raises(AuthError, match="the passphrase is not the one"):
        settings.secret(make(), settings.JWT_SECRET)


def test_without_either_there_is_none(make, monkeypatch, tmp_path):
    monkeypatch.delenv("KILOSCALE_JWT_SECRET", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))

    assert settings.secret(make(), settings.JWT_SECRET) is None


@pytest.fixture
def stack_file(tmp_path, monkeypatch):
    """Write the stack's file with a smoke user."""

    def write(value):
        text = f"config:\n  kiloscale:smokeUserId: {value}\n"
        (tmp_path / "Pulumi.production.yaml").write_text(text)
        monkeypatch.setattr(stackfiles, "FOLDER", tmp_path)

    return write


def test_the_smoke_user_is_read_from_the_stacks_file(make, stack_file):
    stack_file(USER)

    assert str(settings.smoke_user(make())) == USER


def test_a_smoke_user_that_is_no_id_is_refused(make, stack_file):
    stack_file("ada@example.com")

    with pytest.raises(UsageError) as caught:
        settings.smoke_user(make())

    assert str(caught.value) == (
        "Pulumi.production.yaml: kiloscale:smokeUserId: must be a uuid, 8-4-4-4-12"
        " hexadecimal digits, got ada@example.com; no message was sent"
    )


def test_the_plan_shows_what_the_engine_would_do(fake, make):
    found = preview_with_engine(make())

    assert found.asked
    assert found.lines[0] == "create  aws:sqs/queue:Queue llm-requests"
