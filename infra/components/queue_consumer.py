"""What lets a service work off a queue."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.python_service import PythonService
from infra.components.work_queue import WorkQueue
from infra.grants import Grant, policy

POLL_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""CreateEventSourceMapping is refused unless the function's role has these."""


@dataclass(frozen=True, kw_only=True)
class QueueConsumerArgs:
    """Inputs of `QueueConsumer`.

    Attributes:
        queue: Where the work comes from.
        service: Who does it.
        batch_size: Messages handed over in one invocation.
        window_s: Longest wait to fill a batch, in seconds.
        max_concurrency: Simultaneous invocations by this queue.
    """

    queue: WorkQueue
    service: PythonService
    batch_size: int
    window_s: int
    max_concurrency: int


class QueueConsumer(pulumi.ComponentResource):
    """An event source mapping onto a service's alias, and the rights it needs."""

    def __init__(
        self,
        name: str,
        args: QueueConsumerArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:QueueConsumer", name, None, opts)

        poll = Grant(actions=POLL_ACTIONS, resources=(args.queue.arn,))
        rights = aws.iam.RolePolicy(
            f"{name}-rights",
            name=name,
            role=args.service.role,
            policy=policy([poll]),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.lambda_.EventSourceMapping(
            name,
            event_source_arn=args.queue.arn,
            function_name=args.service.arn,
            batch_size=args.batch_size,
            maximum_batching_window_in_seconds=args.window_s,
            # A message that fails is delivered again by itself, not with its batch.
            function_response_types=["ReportBatchItemFailures"],
            # Not reserved concurrency: that throttles deliveries, and each throttled
            # one counts towards the dead-letter queue.
            scaling_config={"maximum_concurrency": args.max_concurrency},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[rights]),
        )
        self.register_outputs({})
