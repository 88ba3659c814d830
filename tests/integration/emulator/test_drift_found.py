"""What somebody changed by hand is found by name, and a deploy sets it right."""

import json

import pytest
from emulator_alone import zips

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.drift import resources, versions
from deploy.emulator.clients import client
from deploy.emulator.provision import provision
from deploy.releases import log
from deploy.releases.versions import live

pytestmark = pytest.mark.integration

PREFIX = "kiloscale-local-"
EVERYTHING = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


def quiet(_: str) -> None:
    """Progress that nobody watches."""


@pytest.fixture(scope="module")
def deployment(start) -> Deployment:
    stack = start().stack
    stack.save()
    provision(stack, zips(stack.state), quiet)
    made = Deployment(stack="local", progress=quiet, state=stack.state)
    log.append(made.records, log.DEPLOYED, live(made), proved=True)
    return made


def found(part, deployment: Deployment) -> dict[str, Result]:
    results = {result.id.partition(".")[2]: result for result in part(deployment)}
    return {name: result for name, result in results.items() if result.planned}


def test_an_untouched_stack_differs_in_nothing(deployment):
    (looked,) = resources.look(deployment)
    (compared,) = versions.look(deployment)

    assert (looked.status, compared.status) == (Status.PASS, Status.PASS)
    assert looked.evidence["different"] == compared.evidence["different"] == 0
    assert looked.title.split()[0].isdigit()


def change_by_hand(stack) -> None:
    """One change to each of many kinds of resources."""
    functions = client(stack, "lambda")
    functions.update_function_configuration(
        FunctionName=f"{PREFIX}chat-send",
        MemorySize=1024,
        Environment={"Variables": {"JWT_SECRET": "by-hand"}},
    )
    functions.put_function_concurrency(
        FunctionName=f"{PREFIX}read-history", ReservedConcurrentExecutions=1
    )
    other = zips(stack.state, "by hand")["relay-outbox"].path.read_bytes()
    made = functions.update_function_code(
        FunctionName=f"{PREFIX}relay-outbox", ZipFile=other, Publish=True
    )
    functions.update_alias(
        FunctionName=f"{PREFIX}relay-outbox",
        Name="live",
        FunctionVersion=made["Version"],
    )
    sqs = client(stack, "sqs")
    url = sqs.get_queue_url(QueueName=f"{PREFIX}llm-requests")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
    scheduler = client(stack, "scheduler")
    was = scheduler.get_schedule(Name=f"{PREFIX}relay-outbox-minutely")
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(State="DISABLED", **{key: was[key] for key in kept})
    (mapping,) = functions.list_event_source_mappings(
        FunctionName=f"{PREFIX}llm-handler"
    )["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    client(stack, "cloudwatch").delete_alarms(AlarmNames=[f"{PREFIX}outbox-age"])
    client(stack, "logs").put_retention_policy(
        logGroupName=f"/aws/lambda/{PREFIX}chat-send", retentionInDays=1
    )
    iam = client(stack, "iam")
    iam.put_role_policy(
        RoleName=f"{PREFIX}chat-send",
        PolicyName="service",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": EVERYTHING}),
    )
    iam.attach_role_policy(RoleName=f"{PREFIX}llm-handler", PolicyArn=POLICY)


def test_each_change_by_hand_is_found_and_the_next_run_sets_it_right(deployment):
    stack = deployment.require_local()
    change_by_hand(stack)

    differing = found(resources.look, deployment)
    released = found(versions.look, deployment)

    attributes = {
        name: [each["attribute"] for each in result.evidence["differs"]]
        for name, result in differing.items()
    }
    variables = [n for n in attributes.pop("chat-send") if n != "MemorySize"]
    assert "Environment.JWT_SECRET" in variables
    mapping = attributes.pop("llm-requests-consumer")
    assert mapping == ["State"]
    assert attributes == {
        "read-history": ["ReservedConcurrentExecutions"],
        "relay-outbox": ["CodeSha256"],
        "relay-outbox-live": ["FunctionVersion"],
        "llm-requests": ["VisibilityTimeout"],
        "relay-outbox-minutely": ["State"],
        "alarms-outbox-age": ["it"],
        "chat-send-logs": ["retentionInDays"],
        "chat-send-role-rights": ["PolicyDocument.Statement"],
        "llm-handler-role": ["AttachedPolicies"],
    }
    chat = differing["chat-send"]
    assert "MemorySize is 1024, declared 512" in chat.title
    assert "Environment.JWT_SECRET has another value" in chat.title
    assert "by-hand" not in f"{chat.title} {chat.evidence}"
    assert {result.remedy for result in differing.values()} == {"./bootstrap deploy"}
    assert list(released) == ["relay-outbox"]
    assert "version is 2, declared 1; CodeSha256 is" in released["relay-outbox"].title
    remedy = "./bootstrap rollback --service relay-outbox --to 1"
    assert released["relay-outbox"].remedy == remedy

    provision(stack, zips(stack.state), quiet)

    assert found(resources.look, deployment) == {}


def test_a_lost_baseline_is_no_proof_that_nothing_differs(deployment):
    baseline = deployment.state / "provisioned.json"
    kept = baseline.read_text()
    baseline.unlink()

    differing = found(resources.look, deployment)

    baseline.write_text(kept)
    assert differing["llm-requests"].title.endswith(
        "it is there, declared not recorded"
    )
