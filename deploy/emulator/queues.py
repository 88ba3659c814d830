"""SQS queues."""

from deploy.emulator.attributes import Attributes, stable
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, translate
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
}


class Queue:
    """``aws:sqs/queue:Queue``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the queue, or set the attributes of the one of this name."""
        sqs = aws.of("sqs")
        rest = {key: value for key, value in inputs.items() if key != "name"}
        attributes = {
            key: _text(value) for key, value in translate(rest, ATTRIBUTES).items()
        }
        queue = inputs["name"]
        try:
            url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        except sqs.exceptions.QueueDoesNotExist:
            made = sqs.create_queue(QueueName=queue, Attributes=attributes)
            url = made["QueueUrl"]
        else:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        outputs = {"url": url, "arn": found["Attributes"]["QueueArn"]}
        return Made(id=url, outputs=outputs)

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the queue with its messages."""
        aws.of("sqs").delete_queue(QueueUrl=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        found = _attributes(look, known.id, "All")
        return None if found is None else stable(found, "RedriveAllowPolicy")


class RedriveAllowPolicy:
    """``aws:sqs/redriveAllowPolicy:RedriveAllowPolicy``: an attribute of a queue."""

    def key(self, inputs: Inputs) -> str:
        """The URL of the dead-letter queue."""
        return str(inputs["queueUrl"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Say which queues may use this one for their dead letters."""
        self._set(aws, inputs["queueUrl"], inputs["redriveAllowPolicy"])
        return Made(id=inputs["queueUrl"])

    def delete(self, aws: Clients, known: Resource) -> None:
        """Let any queue use it."""
        self._set(aws, known.id, "")

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for the attribute."""
        found = _attributes(look, known.id, "RedriveAllowPolicy") or {}
        return stable(found) if found.get("RedriveAllowPolicy") else None

    def _set(self, aws: Clients, url: str, document: str) -> None:
        aws.of("sqs").set_queue_attributes(
            QueueUrl=url, Attributes={"RedriveAllowPolicy": document}
        )


def _text(value: object) -> str:
    """Write an attribute: they are texts, whatever they mean."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _attributes(look: Look, url: str, name: str) -> dict[str, str] | None:
    """Give one attribute of a queue; ``None`` if there is no such queue."""
    answer = look.call(
        "sqs", "AmazonSQS.GetQueueAttributes", QueueUrl=url, AttributeNames=[name]
    )
    return answer.json().get("Attributes", {}) if answer.found else None
