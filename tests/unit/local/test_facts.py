import json

import jwt
import pytest

from deploy.errors import DeployError
from deploy.local.env import env_lines
from deploy.local.facts import LocalStack, new_stack


@pytest.fixture
def stack(tmp_path):
    return new_stack(tmp_path, home=tmp_path)


def test_what_was_saved_is_loaded(stack):
    stack.save()

    assert LocalStack.load(stack.state) == stack


def test_only_the_owner_can_read_the_facts(stack):
    stack.save()

    assert (stack.state / "stack.json").stat().st_mode & 0o777 == 0o600


def test_saving_leaves_no_temporary_file(stack):
    stack.save()
    stack.save()

    assert [path.name for path in stack.state.iterdir()] == ["stack.json"]


def test_a_moved_folder_knows_where_it_is(stack, tmp_path):
    stack.save()
    (tmp_path / "moved").mkdir()
    (tmp_path / "stack.json").rename(tmp_path / "moved" / "stack.json")

    moved = LocalStack.load(tmp_path / "moved")

    assert moved.home == moved.state == tmp_path / "moved"


def test_a_home_elsewhere_stays_there(tmp_path):
    new_stack(tmp_path, home=tmp_path / "elsewhere").save()

    assert LocalStack.load(tmp_path).home == tmp_path / "elsewhere"


def test_a_folder_without_a_stack_has_no_facts(tmp_path):
    assert LocalStack.load(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"home": null}'])
def test_a_damaged_file_is_an_error_with_a_remedy(tmp_path, text):
    (tmp_path / "stack.json").write_text(text)

    with pytest.raises(DeployError, match="damaged") as caught:
        LocalStack.load(tmp_path)

    assert caught.value.remedy == "./bootstrap local.reset"


def test_no_secret_is_in_the_representation(stack):
    shown = repr(stack)

    assert not [
        name
        for name in json.loads(_saved(stack))
        if any(word in name for word in ("secret", "key", "url"))
        and name not in {"access_key_id", "edge_url", "emulator_url", "supabase_url"}
        and str(getattr(stack, name)) in shown
    ]


def _saved(stack):
    stack.save()
    return (stack.state / "stack.json").read_text()


def test_a_stack_on_other_ports_keeps_its_passwords(stack):
    moved = stack.on_ports(postgres=1, supabase=3)

    password = stack.database_url.split(":")[2].partition("@")[0]
    assert moved.database_url == (
        f"postgresql://postgres:{password}@127.0.0.1:1/postgres"
    )
    assert moved.supabase_url == "http://127.0.0.1:3"
    assert moved.emulator_url == stack.emulator_url


@pytest.mark.parametrize("role", ["anon", "service_role"])
def test_an_api_key_names_its_role(stack, role):
    key = {"anon": stack.anon_key, "service_role": stack.service_role_key}[role]

    claims = jwt.decode(key, stack.jwt_secret, algorithms=["HS256"])

    assert claims["role"] == role


def test_an_app_gets_every_variable_it_needs(stack):
    assert {
        "SUPABASE_URL",
        "SUPABASE_ANON_KEY",
        "SUPABASE_SERVICE_ROLE_KEY",
        "SUPABASE_JWT_SECRET",
        "DATABASE_URL",
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    } <= env_lines(stack).keys()
