"""SNS topics, their policies and their subscriptions."""

import hashlib
import json
import time
from typing import Any

from deploy.emulator.attributes import Attributes, entries, read, sealed
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made, translate
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

DEFAULT_POLICY = "__default_policy_ID"
"""Id of the policy that SNS gives to a new topic."""

CONFIRMATION_S = 20.0
"""How long a webhook on this machine may take to confirm: 0.1 s, and
seconds while other work fills the machine."""

POLL_S = 0.05


class Topic:
    """``aws:sns/topic:Topic``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the topic, or set the attributes of the one of this name."""
        sns = aws.of("sns")
        rest = {key: value for key, value in inputs.items() if key != "name"}
        attributes = translate(rest, {"kmsMasterKeyId": "KmsMasterKeyId"})
        arn = sns.create_topic(Name=inputs["name"])["TopicArn"]
        for key, value in attributes.items():
            sns.set_topic_attributes(
                TopicArn=arn, AttributeName=key, AttributeValue=value
            )
        return Made(id=arn, outputs={"arn": arn})

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the topic with its subscriptions."""
        aws.of("sns").delete_topic(TopicArn=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it."""
        answer = look.query("sns", "GetTopicAttributes", TopicArn=known.id)
        if not answer.found:
            return None
        found = entries(answer.body)
        return {name: found.get(name) for name in ("DisplayName", "KmsMasterKeyId")}


class TopicPolicy:
    """``aws:sns/topicPolicy:TopicPolicy``: an attribute of a topic."""

    def key(self, inputs: Inputs) -> str:
        """The ARN of the topic."""
        return str(inputs["arn"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Write the policy."""
        self._write(aws, inputs["arn"], inputs["policy"])
        return Made(id=inputs["arn"])

    def delete(self, aws: Clients, known: Resource) -> None:
        """Go back to SNS's default: the account's own principals."""
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": ["SNS:Publish", "SNS:Subscribe"],
            "Resource": known.id,
            "Condition": {
                "StringEquals": {"AWS:SourceOwner": known.id.split(":")[4]},
            },
        }
        document = {
            "Version": "2008-10-17",
            "Id": DEFAULT_POLICY,
            "Statement": [statement],
        }
        self._write(aws, known.id, json.dumps(document))

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Tell the policy from the default."""
        answer = look.query("sns", "GetTopicAttributes", TopicArn=known.id)
        if not answer.found or DEFAULT_POLICY.encode() in answer.body:
            return None
        return {"Policy": read(entries(answer.body).get("Policy"))}

    def _write(self, aws: Clients, arn: str, document: str) -> None:
        aws.of("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=document
        )


class TopicSubscription:
    """``aws:sns/topicSubscription:TopicSubscription``.

    The provider is content with a webhook that never confirms; here that is an error,
    and one that is not confirmed does not exist.
    """

    def key(self, inputs: Inputs) -> str:
        """The topic, the protocol and a digest of the endpoint, which is secret."""
        digest = hashlib.sha256(inputs["endpoint"].encode()).hexdigest()[:16]
        return f"{inputs['topic']}:{inputs['protocol']}:{digest}"

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Subscribe, and wait until a webhook has confirmed.

        Raises:
            ValueError: It has not.
        """
        sns = aws.of("sns")
        arn = self._find(sns, inputs)
        if arn and not _is_confirmed(sns, arn):
            # To ask once more for one that is there sends no second confirmation.
            sns.unsubscribe(SubscriptionArn=arn)
            arn = None
        if arn is None:
            arguments = {
                "topic": "TopicArn",
                "protocol": "Protocol",
                "endpoint": "Endpoint",
            }
            sns.subscribe(**translate(inputs, arguments))
            arn = self._find(sns, inputs)
        if arn is None or not _await_confirmation(sns, arn):
            raise ValueError(
                f"its endpoint did not confirm within {CONFIRMATION_S:.0f} s, so nobody"
                " would hear an alarm; `./bootstrap local.stop` and a new deploy start"
                " the stand-in anew"
            )
        return Made(id=arn)

    def delete(self, aws: Clients, known: Resource) -> None:
        """End the subscription."""
        aws.of("sns").unsubscribe(SubscriptionArn=known.id)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it; until it is confirmed it receives nothing."""
        answer = look.query(
            "sns", "GetSubscriptionAttributes", SubscriptionArn=known.id
        )
        found = entries(answer.body) if answer.found else {}
        if found.get("PendingConfirmation") != "false":
            return None
        kept = ("TopicArn", "Protocol", "RawMessageDelivery", "FilterPolicy")
        endpoint = {"Endpoint": found.get("Endpoint", "")}
        return {n: found.get(n) for n in kept} | sealed(endpoint, look.seal)

    def _find(self, sns: Any, inputs: Inputs) -> str | None:
        """Find a subscription; the answer to `subscribe` names none that is pending."""
        found = sns.list_subscriptions_by_topic(TopicArn=inputs["topic"])
        wanted = inputs["protocol"], inputs["endpoint"]
        for each in found["Subscriptions"]:
            if (each["Protocol"], each["Endpoint"]) == wanted:
                return str(each["SubscriptionArn"])
        return None


def _is_confirmed(sns: Any, arn: str) -> bool:
    """Tell whether a subscription receives anything."""
    found = sns.get_subscription_attributes(SubscriptionArn=arn)
    return bool(found["Attributes"]["PendingConfirmation"] == "false")


def _await_confirmation(sns: Any, arn: str) -> bool:
    """Wait for the endpoint to confirm."""
    deadline = time.monotonic() + CONFIRMATION_S
    while not _is_confirmed(sns, arn):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
