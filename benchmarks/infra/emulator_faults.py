"""Faults that only show when something runs: the emulator refuses, or the function
fails.

They are put in one after the other, after the program was provisioned with the zips of
`benchmarks.infra.probes`. None takes away what another needs.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.infra.catching import Seen, seen
from benchmarks.infra.faults import Fault
from benchmarks.infra.lab import HANDLER, Lab, full
from benchmarks.infra.probes import zipped
from deploy.bundles import build, host_target
from deploy.local.facts import LocalStack
from infra.catalog.services import RELAY_OUTBOX

EMPTY = "{}"
QUEUES = "arn:aws:sqs:eu-central-1:000000000000"


@dataclass(frozen=True, kw_only=True)
class EmulatorFault(Fault):
    """A fault on the emulator.

    Attributes:
        put: Puts it in; gives what a function said, or raises what was refused.
    """

    put: Callable[[Lab], str]


def catch(faults: Iterable[EmulatorFault], stack: LocalStack) -> list[Seen]:
    """Put each fault in; give what was said.

    Args:
        faults: Any of `FAULTS`, in their order.
        stack: A local stack with the program on its emulator.

    Raises:
        AssertionError: A function fails without a fault, so that nothing is proved.
    """
    from botocore.exceptions import ClientError

    lab = Lab(stack)
    sound = [lab.answer("relay-outbox"), lab.sent("chat-send", "llm-requests")]
    if any(each != 'answered: {"done": true}' for each in sound):
        raise AssertionError(f"it fails without a fault: {'; '.join(sound)}")
    found = []
    for fault in faults:
        try:
            said = fault.put(lab)
        except ClientError as error:
            said = str(error)
        found.append(seen(fault, [said]))
    return found


def _without_the_service(lab: Lab) -> str:
    """Publish a zip of another service."""
    bundle = zipped("other", lab.folder, {"chat_send": "def handle(e, c): pass"})
    return lab.coded(bundle.path.read_bytes())


def _with_a_missing_library(lab: Lab) -> str:
    """Publish a zip without what its handler imports."""
    text = "import a_library_that_was_not_packed\ndef handle(e, c): pass"
    bundle = zipped("bare", lab.folder, {RELAY_OUTBOX.folder: text})
    return lab.coded(bundle.path.read_bytes())


def _without_its_settings(lab: Lab) -> str:
    """Publish the real zip of the service with an empty environment."""
    bundle = build(RELAY_OUTBOX, host_target(), lab.folder)
    content = bundle.path.read_bytes()
    return lab.coded(content, Environment={"Variables": {}})


def _without_its_rights(lab: Lab) -> str:
    """Take chat-send's rights away and let it send."""
    lab.api("iam").delete_role_policy(RoleName=full("chat-send"), PolicyName="service")
    return lab.sent("chat-send", "llm-requests")


def _of_a_missing_role(lab: Lab) -> str:
    """Make a function with a role that nobody made."""
    bundle = zipped("lone", lab.folder, {"lone": "def handle(e, c): pass"})
    made = lab.api("lambda").create_function(
        FunctionName="lone",
        Role="arn:aws:iam::000000000000:role/none",
        Runtime="python3.13",
        Handler="functions.lone.handler.handle",
        Code={"ZipFile": bundle.path.read_bytes()},
    )
    return str(made)


def _(name: str, expected: str, put: Callable[[Lab], Any]) -> EmulatorFault:
    """Write one row."""
    return EmulatorFault(
        name=name, layer="emulator", expected=expected, put=lambda lab: str(put(lab))
    )


FAULTS: tuple[EmulatorFault, ...] = (
    _(
        "a misspelt handler",
        "has no attribute 'handel'",
        lambda lab: lab.configured(Handler=HANDLER.removesuffix("handle") + "handel"),
    ),
    _(
        "a handler whose module is not in the zip",
        "No module named 'functions.relay'",
        lambda lab: lab.configured(Handler="functions.relay.handler.handle"),
    ),
    _(
        "a zip of another service",
        "No module named 'functions.relay_outbox'",
        _without_the_service,
    ),
    _(
        "a zip without a library",
        "No module named 'a_library_that_was_not_packed'",
        _with_a_missing_library,
    ),
    _("a file that is no zip", "Could not unzip", lambda lab: lab.coded(b"no zip")),
    _(
        "the real zip without its environment",
        "DATABASE_URL is not set",
        _without_its_settings,
    ),
    _(
        "a function without the right to send",
        "is not authorized to perform: sqs:SendMessage",
        _without_its_rights,
    ),
    _(
        "a function that sends where it was not told",
        "is not authorized to perform: sqs:SendMessage",
        lambda lab: lab.sent("read-history", "llm-requests"),
    ),
    _(
        "a policy that is no JSON",
        "MalformedPolicyDocument",
        lambda lab: lab.api("iam").put_role_policy(
            RoleName=full("chat-send"), PolicyName="more", PolicyDocument="{"
        ),
    ),
    _(
        "rights of a role that is not there",
        "NoSuchEntity",
        lambda lab: lab.api("iam").put_role_policy(
            RoleName="none", PolicyName="more", PolicyDocument=EMPTY
        ),
    ),
    _(
        "a function of a role that is not there",
        "The role with name none cannot be found",
        _of_a_missing_role,
    ),
    _(
        "a mapping onto a function that is not there",
        "Function not found",
        lambda lab: lab.api("lambda").create_event_source_mapping(
            FunctionName="none",
            EventSourceArn=f"{QUEUES}:{full('llm-requests')}",
        ),
    ),
    _(
        "dead letters into a queue that is not there",
        "Invalid value for the parameter RedrivePolicy",
        lambda lab: lab.api("sqs").create_queue(
            QueueName="lost",
            Attributes={
                "RedrivePolicy": json.dumps(
                    {
                        "deadLetterTargetArn": f"{QUEUES}:none",
                        "maxReceiveCount": 3,
                    }
                )
            },
        ),
    ),
    _(
        "two permissions of one statement",
        "already exists",
        lambda lab: lab.api("lambda").add_permission(
            FunctionName=full("chat-send"),
            Qualifier="live",
            StatementId="public-url",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType="NONE",
        ),
    ),
)
