import io
import json
import zipfile

import boto3
import httpx
import psycopg
import pytest

from deploy.standin.users import EmailExistsError, PostgresUsers

pytestmark = pytest.mark.integration

HANDLER = """
import json, os
def handle(event, context):
    keep = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "PATH")
    return {"statusCode": 201, "body": json.dumps({
        "path": event["rawPath"], "body": event["body"],
        "method": event["requestContext"]["http"]["method"],
        "environment": {name: os.environ[name] for name in keep},
        "names": sorted(os.environ)})}
"""


def _zip():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("handler.py", HANDLER)
    return content.getvalue()


@pytest.fixture(scope="module")
def answer(local_stack):
    """What a function on the emulator sees of a request through the stand-in."""

    def client(service):
        return boto3.client(
            service,
            endpoint_url=local_stack.emulator_url,
            region_name=local_stack.region,
            aws_access_key_id=local_stack.access_key_id,
            aws_secret_access_key=local_stack.secret_access_key,
        )

    role = client("iam").create_role(RoleName="probe", AssumeRolePolicyDocument="{}")
    functions = client("lambda")
    functions.create_function(
        FunctionName="probe",
        Runtime="python3.13",
        Role=role["Role"]["Arn"],
        Handler="handler.handle",
        Code={"ZipFile": _zip()},
    )
    url = functions.create_function_url_config(FunctionName="probe", AuthType="NONE")
    recorded = local_stack.state / "functions.json"
    before = recorded.read_text() if recorded.exists() else None
    recorded.write_text(json.dumps({"probe": url["FunctionUrl"]}))
    yield httpx.post(
        f"{local_stack.supabase_url}/functions/v1/probe",
        content="hello",
        headers={"content-type": "text/plain"},
        timeout=30,
    )
    functions.delete_function(FunctionName="probe")
    client("iam").delete_role(RoleName="probe")
    if before is None:
        recorded.unlink()
    else:
        recorded.write_text(before)


def test_a_function_is_reached_under_the_stable_base(answer):
    seen = answer.json()

    assert answer.status_code == 201
    assert (seen["method"], seen["path"]) == ("POST", "/functions/v1/probe")
    assert seen["body"] == "hello"


def test_a_function_has_keys_of_its_role_not_the_administrators(answer, local_stack):
    environment = answer.json()["environment"]

    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert environment["AWS_SECRET_ACCESS_KEY"] != local_stack.secret_access_key
    assert environment["AWS_ENDPOINT_URL"] == local_stack.emulator_url


def test_a_function_inherits_nothing_of_the_users_environment(answer):
    names = set(answer.json()["names"])

    assert not names & {"DATABASE_URL", "KILOSCALE_STATE", "SSH_AUTH_SOCK", "USER"}
    assert answer.json()["environment"]["PATH"] == "/usr/bin:/bin"


def test_an_unknown_key_is_refused_by_the_emulator(local_stack):
    stranger = boto3.client(
        "sqs",
        endpoint_url=local_stack.emulator_url,
        region_name=local_stack.region,
        aws_access_key_id="AKIASTRANGER",
        aws_secret_access_key="x",
    )

    with pytest.raises(stranger.exceptions.ClientError, match="InvalidClientTokenId"):
        stranger.list_queues()


def test_users_of_the_auth_api_are_rows_of_auth_users(scratch_url):
    users = PostgresUsers(lambda: scratch_url)

    alice = users.add("Alice@Example.com", "secret")

    with psycopg.connect(scratch_url) as conn:
        row = conn.execute("SELECT id, email FROM auth.users").fetchone()
    assert row == (alice.id, "alice@example.com")
    assert users.by_email("ALICE@example.com") == users.by_id(alice.id) == alice


def test_an_address_belongs_to_one_user(scratch_url):
    users = PostgresUsers(lambda: scratch_url)
    users.add("alice@example.com", "secret")

    with pytest.raises(EmailExistsError):
        users.add("ALICE@example.com", "other")


def test_a_removed_user_is_gone(scratch_url):
    users = PostgresUsers(lambda: scratch_url)
    alice = users.add("alice@example.com", "secret")

    assert users.remove(alice.id)
    assert users.by_id(alice.id) is None
    assert not users.remove(alice.id)
