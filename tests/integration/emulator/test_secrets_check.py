"""The task ``secrets.check`` on functions that somebody has changed by hand."""

import json
from dataclasses import replace

import pytest
from emulator_alone import zips

from deploy import secret_commands
from deploy.commands import Output
from deploy.emulator.clients import client
from deploy.emulator.provision import provision
from deploy.paths import STATE_VARIABLE
from infra.catalog.services import SERVICES

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def provisioned(start):
    """A provisioned stack, recorded as the task finds it."""
    stack = start().stack
    stack.save()
    provision(stack, zips(stack.state), lambda _: None)
    return stack


@pytest.fixture
def check(provisioned, monkeypatch, capsys):
    """Runs the task; gives the exit code, the failed titles and all that it wrote."""
    monkeypatch.setenv(STATE_VARIABLE, str(provisioned.state))

    def run():
        code = secret_commands.check("local", Output(as_json=True, evidence=True))
        wrote = capsys.readouterr()
        checks = json.loads(wrote.out)["checks"]
        failed = {
            each["id"]: each["title"] for each in checks if each["status"] == "fail"
        }
        return code, failed, wrote.out + wrote.err

    return run


def edit(stack, service, *, release=False, **changes):
    """Change a function by hand; None removes a variable. Give what undoes it."""
    functions = client(stack, "lambda")
    name = f"kiloscale-local-{service}"
    before = functions.get_function_configuration(FunctionName=name)["Environment"]
    after = {**before["Variables"], **changes}
    variables = {key: value for key, value in after.items() if value is not None}
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": variables}
    )
    if release:
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)
    return before["Variables"]


def test_a_stack_as_it_was_deployed_is_equal(check):
    code, failed, wrote = check()

    assert (code, failed) == (0, {})
    assert wrote.count('"id": "secrets.') == 1 + len(SERVICES)


def test_what_was_changed_by_hand_is_told_by_name_and_never_by_value(
    check, provisioned
):
    before = edit(
        provisioned,
        "chat-send",
        release=True,
        JWT_SECRET="hunter2" * 6,
        INTERNAL_API_KEY=None,
        DEBUG_TOKEN="hunter3",
    )

    code, failed, wrote = check()

    edit(provisioned, "chat-send", release=True, DEBUG_TOKEN=None, **before)
    assert code == 6
    assert failed == {
        "secrets.chat-send": "not as recorded: JWT_SECRET changed,"
        " INTERNAL_API_KEY missing, DEBUG_TOKEN extra"
    }
    secrets = ("hunter2", "hunter3", provisioned.jwt_secret, provisioned.database_url)
    assert not any(each in wrote for each in secrets)
    assert check()[:2] == (0, {})


def test_what_was_edited_and_not_released_is_told_apart(check, provisioned):
    before = edit(provisioned, "llm-handler", GEMINI_API_KEY="other" * 8)

    code, failed, _ = check()

    edit(provisioned, "llm-handler", **before)
    assert code == 6
    assert failed == {
        "secrets.llm-handler": "not as recorded:"
        " GEMINI_API_KEY changed (edited, not released)"
    }


def test_a_secret_that_was_rotated_and_not_deployed_is_told(check, provisioned):
    replace(provisioned, internal_api_key="r" * 40).save()

    code, failed, _ = check()

    provisioned.save()
    assert code == 6
    assert failed == {
        "secrets.recorded": "not as the last deploy recorded: internalApiKey changed"
    }


def test_a_stack_without_digests_is_compared_with_its_configuration(check, provisioned):
    name = "/kiloscale/local/secret-digests"
    ssm = client(provisioned, "ssm")
    found = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    ssm.delete_parameter(Name=name)

    code, failed, wrote = check()

    ssm.put_parameter(Name=name, Value=found["Value"], Type="SecureString")
    assert (code, failed) == (0, {})
    assert "no deploy has recorded digests yet" in wrote
    assert wrote.count(" secrets as configured") == len(SERVICES)


def test_a_role_that_may_not_read_ends_with_3(check, provisioned):
    """On the emulator with AUTH=true, keys of a user without any right."""
    iam = client(provisioned, "iam")
    iam.create_user(UserName="guest")
    key = iam.create_access_key(UserName="guest")["AccessKey"]
    guest = replace(
        provisioned,
        access_key_id=key["AccessKeyId"],
        secret_access_key=key["SecretAccessKey"],
    )
    guest.save()

    code, failed, _ = check()

    provisioned.save()
    assert code == 3
    assert failed["secrets.error"].startswith("AWS refuses GetParameter for parameter")
