"""The alarms of a cloud stack, judged by `deploy.alarms`; none is made to ring."""

from collections.abc import Iterator

from deploy import alarms
from deploy.account import client, explained
from deploy.alarms import Found
from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from infra.catalog.alarms import ALARMS, OUTBOX_AGE
from infra.naming import physical_name

PENDING = "PendingConfirmation"
"""What stands for the ARN of a subscription that nobody has confirmed (Amazon SNS API
reference, ``Subscription``)."""


def verify(deployment: Deployment) -> Iterator[Result]:
    """Compare the alarms with the catalog, say which ring, and who hears them."""
    found = look(deployment)
    mend = f"pulumi up --refresh --stack {deployment.stack}"
    yield (as_declared := alarms.declared(found, deployment.stack, mend=mend))
    if as_declared.status is Status.FAIL:
        return
    yield alarms.states(found, deployment.stack)
    yield heard(deployment, found)
    yield _not_rung(deployment)


def look(deployment: Deployment) -> Found:
    """Give all alarms of the stack, by physical name.

    Raises:
        AuthError: The credentials are missing or refused.
        DeployError: AWS refuses.
    """
    deployment.progress("looking at the alarms")
    prefix = physical_name(deployment.stack, "")
    cloudwatch = client(deployment, "cloudwatch")
    with explained(deployment, "the alarms"):
        pages = cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"]
        )
        return {
            each["AlarmName"]: each for page in pages for each in page["MetricAlarms"]
        }


def heard(deployment: Deployment, found: Found) -> Result:
    """Say who hears the alarms: SNS sends nothing to whom has not confirmed."""
    first = found[physical_name(deployment.stack, ALARMS[0].name)]
    topic = first["AlarmActions"][0]
    sns = client(deployment, "sns")
    with explained(deployment, "who is told of the alarms"):
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(
            TopicArn=topic
        )
        arns = [
            (each["Protocol"], each["SubscriptionArn"])
            for page in pages
            for each in page["Subscriptions"]
        ]
    # An endpoint is an address, or a URL that is all that it takes to post.
    waiting = [protocol for protocol, arn in arns if arn == PENDING]
    told = [protocol for protocol, arn in arns if arn != PENDING]
    return Result(
        id="alarms.heard",
        title=_heard(told, waiting),
        status=Status.PASS if told and not waiting else Status.WARN,
        evidence={"confirmed": told, "not_confirmed": waiting},
        remedy=_remedy(deployment, told, waiting),
    )


def _heard(told: list[str], waiting: list[str]) -> str:
    """Say who is told and who is not yet."""
    if not told and not waiting:
        return "nobody is told of alarms"
    parts = [f"told: {', '.join(told) or 'nobody'}"]
    if waiting:
        parts.append(f"not confirmed yet, so told nothing: {', '.join(waiting)}")
    return "; ".join(parts)


def _remedy(deployment: Deployment, told: list[str], waiting: list[str]) -> str | None:
    """Give the command, or the act, that has somebody told."""
    if waiting:
        return "follow the link in the mail of AWS Notifications, or have it confirmed"
    if not told:
        return f"pulumi config set alertEmail <address> --stack {deployment.stack}"
    return None


def _not_rung(deployment: Deployment) -> Result:
    """Say why no alarm is made to ring, and how to do it."""
    name = physical_name(deployment.stack, OUTBOX_AGE.name)
    return Result(
        id="alarms.fires",
        title="skipped: a real alarm would tell real people; the command makes one ring"
        " until its next measurement",
        status=Status.SKIPPED,
        evidence={"reason": "no alarm of a cloud stack is made to ring"},
        remedy=f"aws cloudwatch set-alarm-state --alarm-name {name}"
        " --state-value ALARM --state-reason 'a test'",
    )
