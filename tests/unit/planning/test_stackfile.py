"""A stack's configuration is read as the engine would give it, without the engine."""

import json

import pytest
from planning_stacks import CIPHERTEXT, SECRETS, write

from deploy.errors import UsageError
from deploy.local.facts import new_stack
from deploy.planning import stackfile
from deploy.planning.placeholders import placeholder
from infra.config import StackConfig
from infra.config_values import Values

pytestmark = pytest.mark.usefixtures("event_loop")


def accepted(found: stackfile.Stackfile) -> StackConfig:
    return StackConfig.read(
        Values.from_pulumi(found.stack, found.values, found.secrets)
    )


def test_defaults_are_taken_where_the_stack_says_nothing(stacks, tmp_path):
    write(stacks)

    values = stackfile.read("production", tmp_path).values

    assert values["kiloscale:logRetentionDays"] == "30"
    assert values["kiloscale:allowedOrigins"] == '["https://app.example.com"]'


def test_the_stack_overrides_a_default(stacks, tmp_path):
    write(stacks, more="  kiloscale:logRetentionDays: 7\n  aws:region: us-east-1\n")

    found = stackfile.read("production", tmp_path)

    assert found.value("logRetentionDays") == "7"
    assert found.region == "us-east-1"


def test_the_program_accepts_the_placeholder_of_every_secret(stacks, tmp_path):
    write(stacks)

    found = stackfile.read("production", tmp_path)

    assert accepted(found).stack == "production"
    assert found.placeholders == {f"kiloscale:{key}" for key in SECRETS}
    assert found.placeholders == found.secrets


def test_every_secret_that_the_program_asks_for_has_a_placeholder_it_accepts(
    monkeypatch,
):
    refused = []
    plain_secret = Values.secret

    def secret(self, key, default=None, *, check=None):
        if check and (wrong := check(placeholder(key, "v1:x"))):
            refused.append(f"{key}: {wrong}")
        return plain_secret(self, key, default, check=check)

    monkeypatch.setattr(Values, "secret", secret)
    with pytest.raises(ValueError, match="databaseUrl"):
        StackConfig.read(Values(stack="production", given={}, secrets=()))

    assert refused == []


def test_ciphertext_is_nowhere_in_what_was_read(stacks, tmp_path):
    write(stacks)

    found = stackfile.read("production", tmp_path)

    text = json.dumps(dict(found.values))
    assert not [key for key in SECRETS if CIPHERTEXT.format(key=key) in text]


def test_a_secret_that_was_set_anew_has_another_placeholder(stacks, tmp_path):
    path = write(stacks)
    before = stackfile.read("production", tmp_path)
    path.write_text(path.read_text().replace("CiphertextOfjwtSecret", "CiphertextNew"))

    after = stackfile.read("production", tmp_path)

    differing = {
        key for key in before.values if before.values[key] != after.values[key]
    }
    assert differing == {"kiloscale:jwtSecret"}


def test_an_encrypted_part_of_a_structure_makes_the_whole_secret(stacks, tmp_path):
    more = "  kiloscale:keys:\n    first:\n      secure: v1:abc\n    second: plain\n"
    write(stacks, more=more)

    found = stackfile.read("production", tmp_path)

    assert "kiloscale:keys" in found.secrets
    assert json.loads(found.values["kiloscale:keys"])["second"] == "plain"
    assert "v1:abc" not in found.values["kiloscale:keys"]


def test_a_stack_without_a_file_is_told_with_the_known_ones(stacks, tmp_path):
    write(stacks)

    with pytest.raises(
        UsageError, match=r"no stack named 'staging'.*local, production"
    ):
        stackfile.read("staging", tmp_path)


def test_a_key_without_a_namespace_is_refused(stacks, tmp_path):
    write(stacks, more="  supabaseUrl: https://abc.supabase.co\n")

    with pytest.raises(UsageError, match="config: supabaseUrl: must begin with a name"):
        stackfile.read("production", tmp_path)


def test_a_file_that_is_not_yaml_is_told(stacks, tmp_path):
    write(stacks).write_text("config: [")

    with pytest.raises(UsageError, match=r"Pulumi\.production\.yaml: is not YAML"):
        stackfile.read("production", tmp_path)


def test_the_local_stack_is_read_before_it_was_ever_started(stacks, tmp_path):
    found = stackfile.read("local", tmp_path)

    assert accepted(found).log_retention_days == 7
    assert found == stackfile.read("local", tmp_path)
    assert "kiloscale:databaseUrl" in found.placeholders


def test_the_local_stack_has_its_own_values_once_it_was_started(stacks, tmp_path):
    local = new_stack(tmp_path, home=tmp_path)
    local.save()

    found = stackfile.read("local", tmp_path)

    assert found.value("databaseUrl") == local.database_url
    assert found.placeholders == frozenset()
    assert local.jwt_secret in found.hidden
