"""The EventBridge schedules of a cloud stack, by the rules of `deploy.schedules`."""

from collections.abc import Iterator
from datetime import UTC, datetime

from deploy.account import NotThereError, client, explained
from deploy.checklist import Result
from deploy.cloud.functions import logs_command
from deploy.deployment import Deployment
from deploy.schedules import Seen, judge, since
from infra.catalog.schedules import SCHEDULES, Schedule
from infra.naming import physical_name


def verify(deployment: Deployment, now: datetime) -> Iterator[Result]:
    """Judge every declared schedule.

    Args:
        deployment: The stack.
        now: The current time, in UTC.
    """
    for declared in SCHEDULES:
        deployment.progress(f"looking at schedule {declared.name}")
        function = declared.service.replace("_", "-")
        yield judge(
            declared,
            look(deployment, declared, now),
            now,
            # What was changed by hand, an update alone does not see.
            mend=f"pulumi up --refresh --stack {deployment.stack}",
            log=logs_command(deployment, function),
        )


def look(deployment: Deployment, declared: Schedule, now: datetime) -> Seen | None:
    """Look one schedule up; ``None`` if it does not exist.

    Raises:
        AuthError: The credentials are missing or refused.
        DeployError: AWS refuses.
    """
    scheduler = client(deployment, "scheduler")
    name = physical_name(deployment.stack, declared.name)
    try:
        with explained(deployment, f"schedule {declared.name}"):
            found = scheduler.get_schedule(Name=name)
    except NotThereError as error:
        if error.__cause__ is not None and _is_missing(error.__cause__):
            return None
        raise
    changed = found["LastModificationDate"].astimezone(UTC)
    return Seen(
        state=found["State"],
        expression=found["ScheduleExpression"],
        target=found["Target"]["Arn"],
        created_at=changed,
        fired_at=_last_run(deployment, declared, since(declared, changed, now)),
    )


def _is_missing(cause: BaseException) -> bool:
    """Tell a schedule that does not exist from an account that does not answer."""
    from botocore.exceptions import ClientError

    return isinstance(cause, ClientError)


def _last_run(
    deployment: Deployment, declared: Schedule, begin: datetime
) -> datetime | None:
    """Find the last run that the function logged with the schedule's name."""
    function = physical_name(deployment.stack, declared.service.replace("_", "-"))
    logs = client(deployment, "logs")
    with explained(deployment, f"the log of function {declared.service}"):
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}",
            startTime=int(begin.timestamp() * 1000),
            filterPattern=f'"{declared.name}"',
        )
        times = [event["timestamp"] for page in pages for event in page["events"]]
    return datetime.fromtimestamp(max(times) / 1000, UTC) if times else None
