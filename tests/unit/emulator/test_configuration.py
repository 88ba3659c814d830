import json
from pathlib import Path

import pytest
import yaml

from deploy import stackfiles
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
        values = {**stackfiles.own("local")}
        values |= {"kiloscale:limitStore": "redis", "kiloscale:redisUrl": url}
        path = tmp_path / "Pulumi.local.yaml"
        path.write_text(yaml.safe_dump({"config": values}))
        monkeypatch.setattr(stackfiles, "FOLDER", tmp_path)
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
