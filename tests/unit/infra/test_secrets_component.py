"""The key and the digests of a stack's secrets."""

import pulumi
import pytest
from infra_recording import SECRETS, config, record

from deploy.planning.recording import whole_program
from infra import digests
from infra.catalog.secrets import SECRETS as DECLARED
from infra.components.encryption_key import EncryptionKeyArgs
from infra.components.secrets import Secrets, SecretsArgs
from infra.environment import render
from infra.policies.resources import is_secret

PARAMETER = "ssm/parameter:Parameter"


@pytest.fixture
def parameter(stack):
    (found,) = stack[0].of(PARAMETER)
    return found


def test_the_digests_of_all_secrets_that_are_set_are_recorded(parameter):
    expected = {key: digests.digest("test", key, each) for key, each in SECRETS.items()}

    assert digests.read(parameter.get("value")) == expected
    assert parameter.get("name") == "/kiloscale/test/secret-digests"


def test_the_parameter_holds_no_secret_and_is_encrypted_twice(parameter):
    assert not any(each in parameter.get("value") for each in SECRETS.values())
    assert is_secret(parameter.inputs["value"])
    assert parameter.get("type") == "SecureString"
    assert parameter.get("keyId").startswith("arn:aws:kms:")


def test_another_secret_is_another_digest_and_all_others_stay(parameter):
    resources, _ = record(whole_program, values=config(jwtSecret="r" * 40))

    (rotated,) = resources.of(PARAMETER)
    before = digests.read(parameter.get("value"))
    after = digests.read(rotated.get("value"))
    assert {key for key in before if before[key] != after[key]} == {"jwtSecret"}


def test_a_preview_knows_the_digests_already(preview, parameter):
    (found,) = preview.of(PARAMETER)

    assert found.get("value") == parameter.get("value")


def test_a_stack_keeps_the_key_that_once_stood_by_itself(provision):
    seen = []

    def declare():
        key = EncryptionKeyArgs(physical_name="kiloscale-test-functions", stack="test")
        seen.append(Secrets("secrets", SecretsArgs(key=key, stack="test", values={})))

    provision(declare)

    (aliases,) = [seen[0].key._aliases]
    assert len(aliases) == 1
    urn = "urn:pulumi:test::kiloscale::kiloscale:infra:EncryptionKey::functions"

    async def known():
        return await pulumi.Output.from_input(aliases[0]).future()

    import asyncio

    assert asyncio.new_event_loop().run_until_complete(known()) == urn


def test_the_environment_gives_each_setting_the_secret_that_is_declared():
    from infra.catalog.services import SERVICES
    from infra.config import StackConfig

    found = {}

    def program():
        stack_config = StackConfig.load()
        values = {"llm": "", "extraction": "", "images": ""}
        for service in SERVICES:
            found.update(render(service, stack_config, values))
        settings = [each.setting for each in DECLARED if each.setting in found]
        return {name: found[name] for name in settings}

    _, outputs = record(program)

    by_setting = {each.setting: SECRETS.get(each.config, "") for each in DECLARED}
    assert outputs == {name: by_setting[name] for name in outputs}
    assert len(outputs) >= 7
