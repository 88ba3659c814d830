"""A queue of what could not be delivered, kept for a person to look at."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.catalog.queues import DEAD_LETTER_RETENTION_S


@dataclass(frozen=True, kw_only=True)
class DeadLetterQueueArgs:
    """Inputs of `DeadLetterQueue`.

    Attributes:
        physical_name: Its name on AWS.
    """

    physical_name: str


class DeadLetterQueue(pulumi.ComponentResource):
    """An encrypted standard queue that keeps its messages as long as SQS can.

    Attributes:
        arn: ARN of the queue.
        url: URL of the queue.
    """

    arn: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: DeadLetterQueueArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:DeadLetterQueue", name, None, opts)

        queue = aws.sqs.Queue(
            name,
            name=args.physical_name,
            message_retention_seconds=DEAD_LETTER_RETENTION_S,
            sqs_managed_sse_enabled=True,
            opts=pulumi.ResourceOptions(parent=self),
        )

        self.arn = queue.arn
        self.url = queue.url
        self.register_outputs({"arn": self.arn, "url": self.url})
