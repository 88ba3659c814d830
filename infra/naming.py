"""Physical names: what a resource is called on AWS, outside of Pulumi."""

PROJECT = "kiloscale"

NAME_LENGTH_MAX = 64
"""The shortest limit of those that apply: of a Lambda function, an IAM role and a
schedule (AWS API references); SQS allows 80."""


def physical_name(stack: str, name: str) -> str:
    """Name a resource that another system must be able to find.

    >>> physical_name("production", "chat-send")
    'kiloscale-production-chat-send'

    Args:
        stack: Name of the stack.
        name: Kebab-case name of the resource in the program.

    Raises:
        ValueError: The name is longer than AWS allows.
    """
    full = f"{PROJECT}-{stack}-{name}"
    if len(full) > NAME_LENGTH_MAX:
        raise ValueError(
            f"name {full}: has {len(full)} characters and AWS allows"
            f" {NAME_LENGTH_MAX}; choose a stack name that is"
            f" {len(full) - NAME_LENGTH_MAX} shorter than {stack!r}"
        )
    return full


def metrics_namespace(stack: str) -> str:
    """Name the CloudWatch namespace of the stack's own gauges."""
    return f"Kiloscale/{stack}"


def budget_arns(arn: str) -> dict[str, dict[str, str]]:
    """Write the condition that only budgets of one account meet.

    AWS Budgets names no single budget (Cost Management user guide, "Creating an Amazon
    SNS topic for budget notifications").

    Args:
        arn: Any ARN of the stack's account.
    """
    _, partition, _, _, account, *_ = arn.split(":")
    return {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": f"arn:{partition}:budgets::{account}:*"},
    }


def alarm_arns(arn: str, stack: str) -> dict[str, dict[str, str]]:
    """Write the condition that only alarms of one stack meet.

    CloudWatch sends both keys along, to SNS and to KMS; not every service does (Amazon
    SNS developer guide, "Key management").

    Args:
        arn: Any ARN of the stack's account and region.
        stack: Name of the stack.
    """
    _, partition, _, region, account, *_ = arn.split(":")
    alarms = f"arn:{partition}:cloudwatch:{region}:{account}:alarm"
    return {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": f"{alarms}:{physical_name(stack, '*')}"},
    }
