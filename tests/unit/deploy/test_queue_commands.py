"""The queue tasks: what they refuse, what they ask, and what AWS's refusals become."""

import json

import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

from deploy import account, console, deployment, queue_commands, stackfiles
from deploy.account import NotThereError
from deploy.checklist import Status
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError, UsageError
from deploy.queue_commands import Chosen
from deploy.queues.dead import Dead, shown
from deploy.queues.letters import Letter, outbox_id
from deploy.queues.replaying import planned
from deploy.queues.rows import Row


@pytest.fixture(autouse=True)
def stacks(monkeypatch):
    names = ["local", "production"]
    monkeypatch.setattr(deployment, "stack_names", lambda: names)


@pytest.fixture
def replay(capsys):
    def replay(stack="production", *, yes=False, **chosen):
        with pytest.raises(SystemExit) as ended:
            queue_commands.replay(
                stack, Chosen(**chosen), Output(), dry_run=False, yes=yes
            )
        return ended.value.code, capsys.readouterr().err

    return replay


def test_an_unknown_queue_is_refused_with_the_known(replay):
    code, text = replay(queue="images")

    assert code == 2
    known = "llm-requests, memory-extractions, image-compressions, realtime"
    assert f"known: {known}" in text


@pytest.mark.parametrize("number", ["x", "0", "-1", "1.5", "9" * 20, "¹"])
def test_an_id_must_be_one(replay, number):
    code, text = replay(outbox_id=number)

    assert (code, "is no id of an outbox row" in text) == (2, True)


def test_a_cloud_stack_asks_and_nobody_is_there(replay, monkeypatch):
    monkeypatch.setattr(console, "asks", lambda: False)

    code, text = replay()

    assert (code, "--yes is missing; nothing was changed" in text) == (2, True)


def test_a_cloud_stack_asks_for_its_name(replay, monkeypatch):
    monkeypatch.setattr(console, "asks", lambda: True)
    monkeypatch.setattr(console, "ask", lambda _: "staging")

    code, text = replay()

    assert (code, "'staging' is not 'production'" in text) == (2, True)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "GetQueueUrl")


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (NoCredentialsError(), AuthError, "no AWS credentials for queue llm-requests"),
        (
            ProfileNotFound(profile="p"),
            AuthError,
            "no AWS credentials for queue llm-requests",
        ),
        (
            refused("ExpiredToken"),
            AuthError,
            "AWS refuses GetQueueUrl for queue llm-requests",
        ),
        (
            refused("AccessDenied"),
            AuthError,
            "AWS refuses GetQueueUrl for queue llm-requests",
        ),
        (
            refused("AWS.SimpleQueueService.NonExistentQueue"),
            NotThereError,
            "of stack production does not exist",
        ),
        (
            EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
            NotThereError,
            "does not answer",
        ),
        (refused("Throttling"), DeployError, "of stack production: Throttling"),
        (refused("InvalidSignatureException"), AuthError, "InvalidSignatureException"),
        (UnauthorizedSSOTokenError(), AuthError, "no AWS credentials for queue"),
    ],
)
def test_a_refusal_of_aws_says_what_to_do(error, kind, text):
    where = Deployment(stack="production", progress=lambda _: None)

    with (
        pytest.raises(DeployError) as caught,
        account.explained(where, "queue llm-requests"),
    ):
        raise error

    assert type(caught.value) is kind
    assert text in str(caught.value)


def test_a_wrong_clock_is_not_mended_by_another_login():
    where = Deployment(stack="production", progress=lambda _: None)
    said = "Signature expired: 20261126T100000Z is now earlier than 20261126T101000Z"
    error = refused("InvalidSignatureException")
    error.response["Error"]["Message"] = said

    with pytest.raises(AuthError) as caught, account.explained(where, "queue q"):
        raise error

    assert str(caught.value).endswith("the clock of this machine is wrong")
    assert caught.value.remedy == "timedatectl set-ntp true, then try again"


def test_a_cloud_stack_without_a_region_has_no_queues(monkeypatch, tmp_path):
    monkeypatch.setattr(stackfiles, "FOLDER", tmp_path)
    (tmp_path / "Pulumi.production.yaml").write_text("config: {}\n")
    where = Deployment(stack="production", progress=lambda _: None)

    with pytest.raises(UsageError) as caught:
        account.client(where, "sqs")

    assert str(caught.value).startswith(
        "Pulumi.production.yaml: aws:region: is missing"
    )


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ('{"outbox_id": 7}', 7),
        ('{"outbox_id": "7"}', None),
        ('{"outbox_id": true}', None),
        ('{"outbox_id": 0}', None),
        ('{"outbox_id": 1e400}', None),
        (f'{{"outbox_id": {2**63}}}', None),
        ("[" * 100_000, None),
        ("", None),
    ],
)
def test_a_letter_names_its_row_or_is_malformed(body, number):
    assert outbox_id(body) == number


def letter(number: int | None, message: str = "m") -> Letter:
    return Letter(
        message_id=message,
        receipt="r",
        outbox_id=number,
        receives=5,
        sent_at=0,
        size=9,
    )


def row(number: int, state: str = "dead") -> Row:
    return Row(id=number, sends=12, reason=None, age_s=9, state=state, of_topic=1)


def test_letters_that_nobody_can_read_are_told_apart_and_have_no_replay():
    dead = Dead(name="q", topic="t", letters=[letter(None)], counted=1)

    result = shown(dead)

    assert (result.status, result.remedy) == (Status.FAIL, None)
    assert result.evidence["malformed"][0]["bytes"] == 9
    assert "they stay until their retention ends" in result.evidence["what_to_do"]
    assert planned(dead).planned is False


def test_queues_that_could_not_be_seen_are_no_clean_bill():
    result = shown(Dead(name="q", topic="t", unseen="SQS does not answer"))

    assert (result.status, result.title) == (
        Status.WARN,
        "nothing is dead; letters not seen: SQS does not answer",
    )


def test_the_evidence_is_json_and_counts_what_it_does_not_list():
    rows = [row(number) for number in range(60)]
    dead = Dead(name="q", topic="t", rows=rows)

    found = json.loads(json.dumps(shown(dead).evidence))

    assert len(found["works"]) == 50
    assert found["reasons"] == {"not noted": 60}
