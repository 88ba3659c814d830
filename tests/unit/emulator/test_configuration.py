import json
from pathlib import Path

import pytest
import yaml

from deploy.emulator import configuration
from deploy.local.facts import new_stack
from infra.config import StackConfig
from infra.config_values import ConfigError, Values

pytestmark = pytest.mark.usefixtures("event_loop")


@pytest.fixture
def stack(tmp_path: Path):
    return new_stack(tmp_path, home=tmp_path)


def test_the_program_accepts_the_configuration_of_a_local_stack(stack):
    found = configuration.of_local(stack)

    read = StackConfig.read(Values.from_pulumi("local", found.values, found.secrets))

    assert read.supabase_url == stack.supabase_url
    assert read.openai_base_url == f"{stack.supabase_url}/llm/v1"
    assert read.gemini_base_url == f"{stack.supabase_url}/llm/gemini"
    assert read.log_retention_days == 7
    assert read.reserve_concurrency is True
    assert "http://localhost:3000" in read.allowed_origins


def test_every_secret_of_the_local_stack_is_declared_as_one(stack):
    found = configuration.of_local(stack)

    for value in (stack.database_url, stack.jwt_secret, stack.service_role_key):
        keys = {key for key, given in found.values.items() if given == value}
        assert keys
        assert keys <= found.secrets


@pytest.fixture
def with_redis(stack, tmp_path, monkeypatch):
    """Reads the local stack's configuration with an address of a Redis in its file."""

    def read(url: str) -> StackConfig:
        values = {**configuration.of_file(configuration.STACK_FILE)}
        values |= {"kiloscale:limitStore": "redis", "kiloscale:redisUrl": url}
        path = tmp_path / "Pulumi.local.yaml"
        path.write_text(yaml.safe_dump({"config": values}))
        monkeypatch.setattr(configuration, "STACK_FILE", path)
        found = configuration.of_local(stack)
        return StackConfig.read(
            Values.from_pulumi("local", found.values, found.secrets)
        )

    return read


def test_the_local_stack_takes_a_redis_of_this_machine(with_redis):
    read = with_redis("redis://127.0.0.1:6379/0")

    assert (read.limit_store, read.extras) == ("redis", {"redis"})


def test_a_password_of_a_redis_in_the_local_file_is_refused(with_redis):
    with pytest.raises(ConfigError, match="redisUrl: stored in plain text"):
        with_redis("rediss://:hunter2@redis.example.com:6379/0")


def test_defaults_of_the_project_are_taken_as_the_engine_takes_them(stack):
    values = configuration.of_local(stack).values

    assert values["aws:region"] == stack.region
    assert json.loads(values["kiloscale:allowedOrigins"])
    assert values["kiloscale:reserveConcurrency"] == "true"


def test_the_example_has_every_value_that_is_no_secret():
    read = yaml.safe_load
    example = read(
        (configuration.REPOSITORY / "Pulumi.production.example.yaml").read_text()
    )
    project = read(configuration.PROJECT_FILE.read_text())
    given = {key: str(value) for key, value in example["config"].items()}
    defaults = {f"kiloscale:{key}" for key in project["config"] if ":" not in key}

    assert {"kiloscale:supabaseUrl", "kiloscale:allowedOrigins"} <= set(given)
    text = (configuration.REPOSITORY / "Pulumi.production.example.yaml").read_text()
    for key in defaults:
        assert key in text


def test_the_example_with_its_secrets_set_is_accepted():
    from infra_secrets import SECRETS

    path = configuration.REPOSITORY / "Pulumi.production.example.yaml"
    config = yaml.safe_load(path.read_text())["config"]
    values = {
        **configuration.defaults(configuration.PROJECT_FILE),
        **{key: configuration.text(value) for key, value in config.items()},
        **{f"kiloscale:{key}": value for key, value in SECRETS.items()},
    }

    secrets = [f"kiloscale:{key}" for key in SECRETS]
    read = StackConfig.read(Values.from_pulumi("production", values, secrets))

    assert read.supabase_url == "https://abcdefghijklmnopqrst.supabase.co"


def test_the_example_shows_the_command_of_each_secret():
    from infra_secrets import SECRETS

    text = (configuration.REPOSITORY / "Pulumi.production.example.yaml").read_text()

    for key in (*SECRETS, "openaiApiKey"):
        assert f"pulumi config set --secret {key} " in text.replace("\n", " \n")
