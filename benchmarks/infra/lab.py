"""The emulator with the program on it, as faults are put in."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deploy.emulator.clients import client
from deploy.local.facts import LocalStack
from infra.catalog.services import RELAY_OUTBOX
from infra.naming import physical_name

HANDLER = RELAY_OUTBOX.handler


@dataclass(frozen=True)
class Lab:
    """The emulator with the program on it."""

    stack: LocalStack

    def api(self, name: str) -> Any:
        """Give a client with the administrator's keys."""
        return client(self.stack, name)

    @cached_property
    def folder(self) -> Path:
        """Where zips are written."""
        folder = self.stack.state / "faults"
        folder.mkdir(exist_ok=True)
        return folder

    def configured(self, **values: Any) -> str:
        """Publish relay-outbox with another configuration; give what it answers."""
        functions, name = self.api("lambda"), full("relay-outbox")
        functions.update_function_configuration(FunctionName=name, **values)
        version = functions.publish_version(FunctionName=name)["Version"]
        return self.answer("relay-outbox", version)

    def coded(self, content: bytes, **values: Any) -> str:
        """Publish relay-outbox with another zip; give what it answers."""
        functions, name = self.api("lambda"), full("relay-outbox")
        sound = {"Handler": HANDLER, **values}
        functions.update_function_configuration(FunctionName=name, **sound)
        published = functions.update_function_code(
            FunctionName=name, ZipFile=content, Publish=True
        )
        return self.answer("relay-outbox", published["Version"])

    def answer(self, service: str, qualifier: str = "live", **event: Any) -> str:
        """Invoke a function; give its error, or its answer."""
        answer = self.api("lambda").invoke(
            FunctionName=full(service),
            Qualifier=qualifier,
            Payload=json.dumps(event).encode(),
        )
        text: str = answer["Payload"].read().decode()
        return f"{answer.get('FunctionError', 'answered')}: {text}"

    def sent(self, service: str, queue: str) -> str:
        """Let a function send to a queue; give what it says."""
        url = f"{self.stack.emulator_url}/000000000000/{full(queue)}"
        return self.answer(
            service,
            api="sqs",
            operation="send_message",
            arguments={"QueueUrl": url, "MessageBody": "{}"},
        )


def full(name: str) -> str:
    """Give a physical name."""
    return physical_name("local", name)
