"""A queue of work for one service, and where its failures end."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.dead_letter_queue import DeadLetterQueue, DeadLetterQueueArgs

LONG_POLL_S = 20
"""The longest wait of one ReceiveMessage: fewest empty, billed receives."""


@dataclass(frozen=True, kw_only=True)
class WorkQueueArgs:
    """Inputs of `WorkQueue`.

    Attributes:
        physical_name: Its name on AWS.
        visibility_timeout_s: How long a message that is being worked on stays hidden,
            in seconds. AWS asks for 6 times the consumer's timeout plus the batch
            window (Lambda developer guide, "Using Lambda with Amazon SQS").
        max_receives: Deliveries before a message counts as dead.
        retention_s: How long an undelivered message stays, in seconds.
    """

    physical_name: str
    visibility_timeout_s: int
    max_receives: int
    retention_s: int


class WorkQueue(pulumi.ComponentResource):
    """An encrypted standard queue with its dead-letter queue.

    Attributes:
        arn: ARN of the queue.
        url: URL that producers send to.
        dead_letters: Where a message goes after ``max_receives`` deliveries.
    """

    arn: pulumi.Output[str]
    url: pulumi.Output[str]
    dead_letters: DeadLetterQueue

    def __init__(
        self,
        name: str,
        args: WorkQueueArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:WorkQueue", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        self.dead_letters = DeadLetterQueue(
            f"{name}-dead-letters",
            DeadLetterQueueArgs(physical_name=f"{args.physical_name}-dead-letters"),
            child,
        )
        queue = aws.sqs.Queue(
            name,
            name=args.physical_name,
            visibility_timeout_seconds=args.visibility_timeout_s,
            message_retention_seconds=args.retention_s,
            receive_wait_time_seconds=LONG_POLL_S,
            sqs_managed_sse_enabled=True,
            redrive_policy=pulumi.Output.json_dumps(
                {
                    "deadLetterTargetArn": self.dead_letters.arn,
                    "maxReceiveCount": args.max_receives,
                }
            ),
            opts=child,
        )
        # Only this queue may use it, and may take its messages back (redrive).
        aws.sqs.RedriveAllowPolicy(
            f"{name}-dead-letters-allow",
            queue_url=self.dead_letters.url,
            redrive_allow_policy=pulumi.Output.json_dumps(
                {"redrivePermission": "byQueue", "sourceQueueArns": [queue.arn]}
            ),
            opts=child,
        )

        self.arn = queue.arn
        self.url = queue.url
        self.register_outputs({"arn": self.arn, "url": self.url})
