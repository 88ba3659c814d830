"""A cloud release is all new and proved, or all old: aliases really move and move back.

The engine is the imitation; for functions and aliases it acts on the emulator, which is
taken for the account. What is live is asked of the emulator, and of the code behind it.
"""

import json
import shutil
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from as_cloud import reached
from emulated_lambda import Provider

from deploy import console
from deploy.cloud import functions as cloud_functions
from deploy.commands import Output
from deploy.deploying import Request, deploy
from deploy.emulator.clients import client
from deploy.emulator.provision import local_runtime
from deploy.local.emulator import EMULATOR
from deploy.local.facts import new_stack
from deploy.local.processes import end
from deploy.releases import guard, log, versions
from deploy.smoke.gateway import Gateway, Where
from infra.catalog.services import CHAT_SEND, SERVICES

pytestmark = pytest.mark.integration

FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"
NAMES = {each.name: f"kiloscale-production-{each.name}" for each in SERVICES}
RELEASED = ("chat-send", "relay-outbox")
"""What a deploy of these tests changes; the other services stay as they are."""

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)

GOOD = """
def handle(event, context):
    is_malformed = event["body"].startswith('{"chat_id": 7')
    return {"statusCode": 400 if is_malformed else 401, "body": "VERSION"}
"""
BROKEN = """
def handle(event, context):
    return {"statusCode": 500, "body": "VERSION"}
"""


def packed(folder: Path, version: str, code: str) -> str:
    """A zip whose only module is the handler."""
    path = folder / f"{version}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("handler.py", code.replace("VERSION", version))
    return str(path)


@pytest.fixture(scope="module")
def account():
    """An emulator in which release 1 of every service is live."""
    folder = Path(tempfile.mkdtemp(prefix="ks-"))
    folder.chmod(0o711)
    (folder / "logs").mkdir()
    stack = new_stack(folder, home=folder)
    process = EMULATOR.launch(stack)
    try:
        EMULATOR.settle(stack, process)
        lambdas = client(stack, "lambda")
        role = client(stack, "iam").create_role(
            RoleName="any", AssumeRolePolicyDocument=TRUST
        )["Role"]["Arn"]
        code = Path(packed(folder, "1", GOOD)).read_bytes()
        for service in SERVICES:
            named = {"FunctionName": NAMES[service.name]}
            lambdas.create_function(
                **named,
                Runtime=local_runtime(),
                Role=role,
                Handler="handler.handle",
                Code={"ZipFile": code},
                Publish=True,
            )
            lambdas.create_alias(**named, Name="live", FunctionVersion="1")
            lambdas.create_function_url_config(
                **named, Qualifier="live", AuthType="NONE"
            )
        provider = Provider(lambdas)
        yield SimpleNamespace(stack=stack, lambdas=lambdas, provider=provider.url)
        provider.stop()
    finally:
        end(process, *EMULATOR.shutdown)
        shutil.rmtree(folder)


def program(code: str, provider: str) -> list[dict]:
    """Functions first, then their aliases: as `release_together` has it."""
    functions = [
        {
            "type": FUNCTION,
            "name": name,
            "inputs": {"name": NAMES[name], "code": code},
            "provider": provider,
        }
        for name in RELEASED
    ]
    aliases = [
        {
            "type": ALIAS,
            "name": f"{name}-live",
            "inputs": {
                "functionName": NAMES[name],
                "name": "live",
                "functionVersion": f"@{name}.version",
            },
            "provider": provider,
        }
        for name in RELEASED
    ]
    return functions + aliases


@pytest.fixture
def cloud(account, fake, scratch_url, tmp_path, monkeypatch, capsys):
    """Deploys of stack production to that account; each test begins with its release.

    ``deploy(version, code)`` gives exit code and checks; ``live()`` what is live.
    """
    monkeypatch.setattr(guard, "live", versions.live)
    reached(account.stack, "production", tmp_path, monkeypatch, supabaseUrl="https://x")
    monkeypatch.setenv("KILOSCALE_DATABASE_URL", scratch_url)
    monkeypatch.setenv("KILOSCALE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", account.stack.region)
    monkeypatch.setattr(console, "asks", lambda: False)
    urls = cloud_functions.where

    def through(deployment):
        # Only the way there is the emulator's: it tells functions apart by ``Host``.
        return Where(urls=urls(deployment).urls, through=account.stack.emulator_url)

    monkeypatch.setattr(cloud_functions, "where", through)

    def run(version, code=GOOD, *, only="infrastructure,functions", **wishes):
        zipped = packed(tmp_path, version, code)
        fake.told(program=program(zipped, account.provider))
        wishes.setdefault("yes", True)
        ended = SimpleNamespace(code=0)
        with suppress(SystemExit):
            request = Request(stack="production", only=only, **wishes)
            ended.code = deploy(request, Output(as_json=True))
        report = json.loads(capsys.readouterr().out)
        ended.code = report["exit_code"]
        ended.checks = {each["id"]: each for each in report["checks"]}
        return ended

    def live():
        """Versions of the aliases, and what the code behind chat-send says."""
        found = {
            name: account.lambdas.get_alias(FunctionName=NAMES[name], Name="live")
            for name in RELEASED
        }
        url = account.lambdas.get_function_url_config(
            FunctionName=NAMES["chat-send"], Qualifier="live"
        )["FunctionUrl"]
        where = Where(urls={"chat-send": url}, through=account.stack.emulator_url)
        with Gateway(where) as gateway:
            body = gateway.request(CHAT_SEND, body=b"x").body
        return [int(found[name]["FunctionVersion"]) for name in RELEASED], str(body)

    records = tmp_path / "state" / "records" / "production"
    return SimpleNamespace(run=run, live=live, records=records, tmp=tmp_path)


def kinds(cloud) -> list[str]:
    return [entry.kind for entry in log.read(cloud.records)]


def test_a_release_that_fails_its_proof_goes_back_and_the_next_deploy_sees_it(
    cloud, fake
):
    first = cloud.run("good")
    assert first.code == 0, first.checks
    before = cloud.live()
    assert before[1] == "good"

    failed = cloud.run("bad", BROKEN)

    assert failed.code == 7
    assert failed.checks["functions.bad-token"]["status"] == "fail"
    back = failed.checks["functions.rollback"]
    assert list(back["evidence"]["moved_back"]) == list(RELEASED)
    assert cloud.live() == before
    newest = max((cloud.records / "receipts").glob("*.json"))
    assert "moved back: chat-send" in newest.read_text()
    assert kinds(cloud) == ["deploy", "withdrawn"]

    # The engine's state has the aliases at the bad code, and nothing has changed.
    again = cloud.run("bad", BROKEN)
    assert again.code == 7, "the same code must not pass for proved"
    assert again.checks["infrastructure.aliases"]["evidence"]["moved"] == [
        NAMES[name] for name in RELEASED
    ]
    assert cloud.live() == before

    fixed = cloud.run("fixed")
    assert fixed.code == 0, fixed.checks
    assert cloud.live()[1] == "fixed"
    assert kinds(cloud) == ["deploy", "withdrawn", "withdrawn", "deploy"]


def test_an_update_that_fails_between_two_aliases_leaves_none_of_them_new(cloud, fake):
    before = cloud.live()
    fake.told(fail={"relay-outbox-live": "ThrottlingException: Rate exceeded"})

    failed = cloud.run("half")

    assert failed.code == 5
    assert failed.checks["infrastructure.relay-outbox-live"]["status"] == "fail"
    moved = failed.checks["infrastructure.rollback"]["evidence"]["moved_back"]
    assert list(moved) == ["chat-send"]
    assert "functions.bad-token" not in failed.checks
    assert cloud.live() == before

    fake.told(fail={})
    resumed = cloud.run("half")
    assert resumed.code == 0, resumed.checks
    assert cloud.live()[1] == "half"
    assert [call for call in fake.calls if "--refresh" in call] != []
    quiet = cloud.run("half")
    assert (quiet.code, "infrastructure.aliases" in quiet.checks) == (0, False)
    assert not any("--refresh" in call for call in fake.calls[-5:])


def test_an_account_that_does_not_answer_stops_a_deploy_before_the_engine(
    cloud, fake, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    stopped = cloud.run("any")

    assert stopped.code == 4
    assert "AWS does not answer" in stopped.checks["infrastructure.error"]["title"]
    assert not any(" up " in call for call in fake.calls)
