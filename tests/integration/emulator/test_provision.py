"""The Pulumi program on the real emulator."""

import importlib
import json
import stat
from dataclasses import replace

import pytest
from emulator_alone import Webhook, zips

from deploy.emulator import topics
from deploy.emulator.clients import Clients, client
from deploy.emulator.provision import missing, provision
from deploy.emulator.record import Record
from deploy.emulator.table import KINDS
from deploy.errors import DeployError, HalfDoneError
from infra.catalog.queues import QUEUES
from infra.catalog.services import SERVICES

pytestmark = pytest.mark.integration


def quiet(_: str) -> None:
    """Progress that nobody watches."""


def invoke(stack, service="chat-send", **event):
    answer = client(stack, "lambda").invoke(
        FunctionName=f"kiloscale-local-{service}",
        Qualifier="live",
        Payload=json.dumps(event).encode(),
    )
    return json.loads(answer["Payload"].read())


@pytest.mark.sweep  # tests/e2e/test_first_deploy.py shows the same by a deploy
def test_a_second_run_changes_nothing(emulator):
    bundles = zips(emulator.stack.state)

    first = provision(emulator.stack, bundles, quiet)
    second = provision(emulator.stack, bundles, quiet)

    assert (first.updated, first.deleted, first.unchanged) == ([], [], [])
    assert len(first.created) > 40
    assert (second.created, second.updated, second.deleted) == ([], [], [])
    assert second.unchanged == first.created
    assert second.outputs == first.outputs
    assert missing(emulator.stack) == []


@pytest.mark.sweep  # test_release_set.py shows the same of a whole set
def test_new_code_is_published_and_the_alias_moves(emulator):
    stack = emulator.stack
    provision(stack, zips(stack.state), quiet)

    done = provision(stack, zips(stack.state, version="2"), quiet)

    assert done.created == done.deleted == []
    assert done.updated == sorted(
        [f"lambda.Alias {name}-live" for name in done.outputs["functionNames"]]
        + [f"lambda.Function {name}" for name in done.outputs["functionNames"]]
    )
    assert invoke(stack)["version"] == "2"
    alias = client(stack, "lambda").get_alias(
        FunctionName="kiloscale-local-chat-send", Name="live"
    )
    assert alias["FunctionVersion"] == "2"


def test_a_new_secret_reaches_only_the_functions_that_read_it(emulator):
    bundles = zips(emulator.stack.state)
    provision(emulator.stack, bundles, quiet)
    rotated = replace(emulator.stack, jwt_secret="r" * 40)

    done = provision(rotated, bundles, quiet)

    variables = client(rotated, "lambda").get_function_configuration(
        FunctionName="kiloscale-local-chat-send", Qualifier="live"
    )["Environment"]["Variables"]
    assert variables["JWT_SECRET"] == "r" * 40

    readers = [each.name for each in SERVICES if "JWT_SECRET" in each.settings]
    assert 0 < len(readers) < len(SERVICES)
    assert done.updated == sorted(
        [f"lambda.Alias {name}-live" for name in readers]
        + [f"lambda.Function {name}" for name in readers]
        + ["ssm.Parameter secrets-digests"]
    )


@pytest.mark.sweep  # tests/e2e/test_first_deploy.py shows the same by a deploy
def test_an_emulator_that_lost_its_memory_is_filled_again(emulator):
    bundles = zips(emulator.stack.state)
    first = provision(emulator.stack, bundles, quiet)
    emulator.restart()

    lost = missing(emulator.stack)
    again = provision(emulator.stack, bundles, quiet)

    assert sorted(lost) == first.created
    assert again.created == first.created
    assert missing(emulator.stack) == []
    assert invoke(emulator.stack)["version"] == "1"


def test_what_somebody_deleted_is_made_again_and_nothing_else(emulator):
    stack, bundles = emulator.stack, zips(emulator.stack.state)
    provision(stack, bundles, quiet)
    name = "kiloscale-local-relay-outbox-minutely"
    client(stack, "scheduler").delete_schedule(Name=name)
    client(stack, "iam").delete_role_policy(
        RoleName="kiloscale-local-chat-send", PolicyName="service"
    )

    lost = missing(stack)
    again = provision(stack, bundles, quiet)

    gone = [
        "iam.RolePolicy chat-send-role-rights",
        "scheduler.Schedule relay-outbox-minutely",
    ]
    assert sorted(lost) == gone
    assert (again.created, again.updated, again.deleted) == (gone, [], [])


def test_every_kind_of_resource_is_missed_when_it_is_gone(emulator):
    stack = emulator.stack
    provision(stack, zips(stack.state), quiet)
    names = {"FunctionName": "kiloscale-local-chat-send", "Qualifier": "live"}
    functions = client(stack, "lambda")
    functions.remove_permission(**names, StatementId="public-url")
    functions.delete_function_url_config(**names)
    queue = "kiloscale-local-llm-requests-dead-letters"
    sqs = client(stack, "sqs")
    sqs.set_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"],
        Attributes={"RedriveAllowPolicy": ""},
    )
    kms = client(stack, "kms")
    kms.delete_alias(AliasName="alias/kiloscale-local-functions")
    name = {"AlarmNames": ["kiloscale-local-outbox-age"]}
    client(stack, "cloudwatch").delete_alarms(**name)
    sns = client(stack, "sns")
    (subscription,) = sns.list_subscriptions()["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    record = Record.load(stack.state)
    for kind, program_name in (
        ("aws:sns/topicPolicy:TopicPolicy", "alarms-policy"),
        ("aws:kms/keyPolicy:KeyPolicy", "functions-policy"),
    ):
        KINDS[kind].delete(Clients(stack), record.find(kind, program_name))

    assert sorted(missing(stack)) == [
        "cloudwatch.MetricAlarm alarms-outbox-age",
        "kms.Alias functions-alias",
        "kms.KeyPolicy functions-policy",
        "lambda.FunctionUrl chat-send-url",
        "lambda.Permission chat-send-url-public",
        "sns.TopicPolicy alarms-policy",
        "sns.TopicSubscription alarms-webhook",
        "sqs.RedriveAllowPolicy llm-requests-dead-letters-allow",
    ]


def test_what_the_program_no_longer_has_is_deleted_last_made_first(
    emulator, monkeypatch
):
    stack, bundles = emulator.stack, zips(emulator.stack.state)
    provision(stack, bundles, quiet)
    program = importlib.import_module("infra.__main__")
    monkeypatch.setattr(program, "SCHEDULES", program.SCHEDULES[:1])

    done = provision(stack, bundles, quiet)

    assert (done.created, done.updated) == ([], [])
    assert sorted(done.deleted) == [
        "iam.Role relay-outbox-minutely-role",
        "iam.RolePolicy relay-outbox-minutely-reporting",
        "iam.RolePolicy relay-outbox-minutely-role-rights",
        "lambda.FunctionEventInvokeConfig relay-outbox-minutely-failures",
        "scheduler.Schedule relay-outbox-minutely",
        "sqs.Queue relay-outbox-minutely-dead-letters",
    ]
    order = done.deleted.index
    schedule = order("scheduler.Schedule relay-outbox-minutely")
    assert schedule < order("iam.RolePolicy relay-outbox-minutely-role-rights")
    assert schedule < order("sqs.Queue relay-outbox-minutely-dead-letters")
    assert len(client(stack, "scheduler").list_schedules()["Schedules"]) == 1


@pytest.mark.sweep
def test_what_cannot_change_in_place_is_replaced(emulator, monkeypatch):
    stack, bundles = emulator.stack, zips(emulator.stack.state)
    provision(stack, bundles, quiet)
    monkeypatch.setattr(
        "infra.assembly.physical_name", lambda stack, name: f"other-{stack}-{name}"
    )

    done = provision(stack, bundles, quiet)

    functions = client(stack, "lambda").list_functions()["Functions"]
    assert {each["FunctionName"][:11] for each in functions} == {"other-local"}
    assert "lambda.Function chat-send (replaced)" in done.deleted
    assert "lambda.Function chat-send" in done.created
    assert missing(stack) == []
    again = provision(stack, bundles, quiet)
    assert (again.created, again.updated, again.deleted) == ([], [], [])


def test_a_lost_record_is_made_again_from_what_exists(emulator):
    stack, bundles = emulator.stack, zips(emulator.stack.state)
    provision(stack, bundles, quiet)
    (stack.state / "resources.json").unlink()

    assert missing(stack) == ["every resource: nothing was ever provisioned here"]
    provision(stack, bundles, quiet)

    functions = client(stack, "lambda")
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    assert len(mappings) == len(QUEUES)
    assert len(functions.list_functions()["Functions"]) == len(SERVICES)
    assert missing(stack) == []


def test_a_run_that_failed_is_finished_by_the_next(emulator):
    stack, bundles = emulator.stack, zips(emulator.stack.state)
    complete = dict(bundles)
    del bundles["llm-handler"]

    with pytest.raises(DeployError, match="no zip was built for llm-handler") as error:
        provision(stack, bundles, quiet)
    done = provision(stack, complete, quiet)

    assert error.value.remedy == "./bootstrap deploy"
    assert "lambda.Function llm-handler" in done.created
    assert done.deleted == []
    assert missing(stack) == []


def test_a_refusal_names_the_resource_and_what_was_said(emulator):
    bundles = zips(emulator.stack.state)
    bundles["chat-send"].path.write_bytes(b"not a zip")

    with pytest.raises(HalfDoneError) as error:
        provision(emulator.stack, bundles, quiet)

    text = str(error.value)
    assert text.startswith(
        "aws:lambda/function:Function (chat-send): An error occurred"
    )
    assert "unzip" in text
    assert text.endswith("stays, and the next run goes on from there")


@pytest.mark.sweep
def test_a_webhook_that_does_not_confirm_ends_the_run_and_the_next_asks_again(
    emulator, monkeypatch
):
    stack, bundles = emulator.stack, zips(emulator.stack.state)
    monkeypatch.setattr(topics, "CONFIRMATION_S", 0.2)
    emulator.webhook.stop()

    with pytest.raises(HalfDoneError) as error:
        provision(stack, bundles, quiet)

    text = str(error.value)
    assert "TopicSubscription (alarms-webhook): its endpoint did not confirm" in text
    assert stack.supabase_url not in text
    emulator.webhook = Webhook(stack)
    monkeypatch.undo()
    done = provision(stack, bundles, quiet)
    assert "sns.TopicSubscription alarms-webhook" in done.created
    assert len(client(stack, "sns").list_subscriptions()["Subscriptions"]) == 1


def test_no_secret_is_written_down(emulator):
    stack = emulator.stack
    provision(stack, zips(stack.state), quiet)

    names = ("resources.json", "functions.json", "provisioned.json")
    for path in (stack.state / name for name in names):
        text = path.read_text()
        password = stack.database_url.split(":")[2].partition("@")[0]
        for secret in (password, stack.jwt_secret, stack.internal_api_key):
            assert secret not in text
        assert stack.service_role_key not in text
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_url_of_each_public_function_is_written_for_the_proxy(emulator):
    stack = emulator.stack
    done = provision(stack, zips(stack.state), quiet)

    written = json.loads((stack.state / "functions.json").read_text())

    assert written == done.outputs["functionUrls"]
    assert set(written) == {each.name for each in SERVICES if each.route}


def test_an_emulator_that_does_not_answer_is_named_with_the_remedy(emulator):
    stack = emulator.stack
    provision(stack, zips(stack.state), quiet)
    emulator.stop()

    with pytest.raises(DeployError, match="the AWS emulator does not answer") as error:
        missing(stack)

    assert error.value.remedy == "./bootstrap local.start"
    with pytest.raises(DeployError, match="the AWS emulator does not answer"):
        provision(stack, zips(stack.state), quiet)


def test_a_live_look_needs_neither_boto3_nor_pulumi(emulator):
    import subprocess
    import sys

    stack = emulator.stack
    stack.save()
    provision(stack, zips(stack.state), quiet)
    code = (
        "import pathlib, sys\n"
        "from deploy.emulator.provision import missing\n"
        "from deploy.local.facts import LocalStack\n"
        f"stack = LocalStack.load(pathlib.Path({str(stack.state)!r}))\n"
        "print(missing(stack))\n"
        "print({'boto3', 'botocore', 'pulumi'} & set(sys.modules))\n"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert ran.stdout == "[]\nset()\n"
