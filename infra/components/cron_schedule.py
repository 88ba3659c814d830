"""A schedule that invokes a service, and where its failures end."""

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.dead_letter_queue import DeadLetterQueue, DeadLetterQueueArgs
from infra.components.python_service import PythonService
from infra.components.service_role import ServiceRole, ServiceRoleArgs
from infra.grants import Grant, policy

EVENT_AGE_S = (60, 21_600)
"""The shortest and the longest event age, in seconds, that Lambda's asynchronous
invocation accepts (PutFunctionEventInvokeConfig); Scheduler accepts more."""

RETRIES = 1
"""Once more is enough: the next run comes by itself."""


@dataclass(frozen=True, kw_only=True)
class CronScheduleArgs:
    """Inputs of `CronSchedule`.

    Attributes:
        physical_name: Name of the schedule and of its role.
        expression: ``rate(...)`` or ``cron(...)``, in UTC.
        period_s: The time between two runs, in seconds: a run that could not start
            until the next one is due is given up.
        service: Who is invoked. It must not have another schedule, since the
            handling of failed invocations belongs to the service's alias.
    """

    physical_name: str
    expression: str
    period_s: int
    service: PythonService


class CronSchedule(pulumi.ComponentResource):
    """An EventBridge schedule with a dead-letter queue for both kinds of failure.

    Scheduler invokes asynchronously: its own retries and dead letters cover the
    delivery, and an error of the function is Lambda's to retry and to report.

    Attributes:
        name: Name of the schedule.
        dead_letters: Where events end that were not delivered, or whose run failed.
    """

    name: pulumi.Output[str]
    dead_letters: DeadLetterQueue

    def __init__(
        self,
        name: str,
        args: CronScheduleArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:CronSchedule", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        event_age_s = sorted((*EVENT_AGE_S, args.period_s))[1]

        self.dead_letters = DeadLetterQueue(
            f"{name}-dead-letters",
            DeadLetterQueueArgs(physical_name=f"{args.physical_name}-dead-letters"),
            child,
        )
        report = Grant(actions=("sqs:SendMessage",), resources=(self.dead_letters.arn,))
        invoke = Grant(
            actions=("lambda:InvokeFunction",), resources=(args.service.arn,)
        )
        role_args = ServiceRoleArgs(
            physical_name=args.physical_name,
            principal="scheduler.amazonaws.com",
            grants=[invoke, report],
        )
        role = ServiceRole(f"{name}-role", role_args, child)
        # Lambda reports a failed run with the function's role, not the schedule's.
        reporting = aws.iam.RolePolicy(
            f"{name}-reporting",
            name=name,
            role=args.service.role,
            policy=policy([report]),
            opts=child,
        )
        aws.lambda_.FunctionEventInvokeConfig(
            f"{name}-failures",
            function_name=args.service.function,
            qualifier=args.service.alias,
            maximum_event_age_in_seconds=event_age_s,
            maximum_retry_attempts=RETRIES,
            destination_config={
                "on_failure": {"destination": self.dead_letters.arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[reporting]),
        )
        schedule = aws.scheduler.Schedule(
            name,
            name=args.physical_name,
            schedule_expression=args.expression,
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": args.service.arn,
                "role_arn": role.arn,
                "input": json.dumps({"source": "schedule", "schedule": name}),
                "retry_policy": {
                    "maximum_event_age_in_seconds": event_age_s,
                    "maximum_retry_attempts": RETRIES,
                },
                "dead_letter_config": {"arn": self.dead_letters.arn},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )

        self.name = schedule.name
        self.register_outputs({"name": self.name})
