"""The alarms of a stack, and who is told."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from infra.catalog.alarms import Alarm
from infra.components.encryption_key import EncryptionKey
from infra.metrics import TOPIC, dimensions, namespace
from infra.naming import alarm_arns, budget_arns, physical_name


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """Inputs of `Alarms`.

    Attributes:
        stack: Name of the stack.
        alarms: What to watch.
        key: Encrypts the notifications; its policy must admit CloudWatch.
        email: Who is told, after a click on the link of SNS's first mail; empty tells
            nobody.
        webhook: URL that is told, once it has confirmed; secret, since such a URL is
            often all that it takes to post.
        for_budgets: Whether the account's budgets may tell the topic too; the key's
            policy must admit them.
    """

    stack: str
    alarms: Sequence[Alarm]
    key: EncryptionKey
    email: str = ""
    webhook: pulumi.Output[str] | None = None
    for_budgets: bool = False


class Alarms(pulumi.ComponentResource):
    """Metric alarms that tell one encrypted topic when they ring and when they stop.

    Attributes:
        topic_arn: ARN of the topic.
        policy: Its policy, which lets others tell it.
        names: Physical names of the alarms, by name in the catalog.
    """

    topic_arn: pulumi.Output[str]
    policy: aws.sns.TopicPolicy
    names: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        args: AlarmsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:Alarms", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        topic = aws.sns.Topic(
            name,
            name=physical_name(args.stack, TOPIC),
            # Not alias/aws/sns: nobody can change the policy of AWS's own key, which
            # does not admit CloudWatch, so that every notification would be lost in
            # silence (Amazon SNS developer guide, "Key management").
            kms_master_key_id=args.key.arn,
            opts=child,
        )
        self.policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=topic.arn.apply(lambda arn: _policy(arn, args)),
            opts=child,
        )
        _subscribe(name, topic.arn, args, child)
        # An alarm that rings before the topic admits it is not heard again.
        after = pulumi.ResourceOptions(parent=self, depends_on=[self.policy, args.key])
        self.topic_arn = topic.arn
        self.names = {
            alarm.name: _alarm(f"{name}-{alarm.name}", alarm, args, topic.arn, after)
            for alarm in args.alarms
        }
        self.register_outputs({"topicArn": self.topic_arn})


def _policy(topic_arn: str, args: AlarmsArgs) -> str:
    """Let the stack's own alarms publish, the account's budgets, and nobody else."""
    alarms_publish = {
        "Sid": "AlarmsPublish",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic_arn,
        "Condition": alarm_arns(topic_arn, args.stack),
    }
    budgets_publish = {
        **alarms_publish,
        "Sid": "BudgetsPublish",
        "Principal": {"Service": "budgets.amazonaws.com"},
        "Condition": budget_arns(topic_arn),
    }
    statements = [alarms_publish, *([budgets_publish] if args.for_budgets else [])]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _subscribe(
    name: str,
    topic_arn: pulumi.Output[str],
    args: AlarmsArgs,
    opts: pulumi.ResourceOptions,
) -> None:
    """Subscribe whoever the configuration names. Each has to confirm it once."""
    if args.email:
        aws.sns.TopicSubscription(
            f"{name}-email",
            topic=topic_arn,
            protocol="email",
            endpoint=args.email,
            opts=opts,
        )
    if args.webhook is not None:
        scheme = args.webhook.apply(lambda url: urlsplit(url).scheme)
        aws.sns.TopicSubscription(
            f"{name}-webhook",
            topic=topic_arn,
            protocol=pulumi.Output.unsecret(scheme),
            endpoint=args.webhook,
            opts=opts,
        )


def _alarm(
    name: str,
    alarm: Alarm,
    args: AlarmsArgs,
    topic_arn: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str]:
    """Declare one alarm; give its physical name."""
    made = aws.cloudwatch.MetricAlarm(
        name,
        name=physical_name(args.stack, alarm.name),
        alarm_description=alarm.summary,
        namespace=namespace(alarm, args.stack),
        metric_name=alarm.metric,
        dimensions=dimensions(alarm, args.stack),
        statistic=alarm.statistic,
        comparison_operator="GreaterThanThreshold",
        threshold=float(alarm.threshold),
        period=alarm.period_s,
        evaluation_periods=alarm.periods,
        datapoints_to_alarm=alarm.periods_to_alarm,
        treat_missing_data=alarm.missing,
        # Of version 7 on, these take ARNs and no longer resources.
        alarm_actions=[topic_arn],
        ok_actions=[topic_arn],
        opts=opts,
    )
    return made.name
