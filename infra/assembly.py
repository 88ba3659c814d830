"""Turns what the catalog declares into the inputs of the components."""

from collections.abc import Mapping
from operator import attrgetter

from infra.archives import Archives
from infra.catalog.pg_crons import PG_CRON_JOBS
from infra.catalog.queues import QUEUES, Queue
from infra.catalog.schedules import Schedule
from infra.catalog.secrets import SECRETS
from infra.catalog.services import SERVICES, Service
from infra.catalog.thresholds import alarms_at, rows_at
from infra.components.alarms import Alarms, AlarmsArgs
from infra.components.budget import BudgetArgs
from infra.components.cron_schedule import CronScheduleArgs
from infra.components.dashboard import DashboardArgs
from infra.components.encryption_key import EncryptionKey, EncryptionKeyArgs
from infra.components.pg_cron_job import PgCronJobArgs
from infra.components.python_service import PythonService, PythonServiceArgs
from infra.components.queue_consumer import QueueConsumerArgs
from infra.components.secrets import SecretsArgs
from infra.components.work_queue import WorkQueue, WorkQueueArgs
from infra.config import StackConfig
from infra.config_checks import LOCAL
from infra.environment import render
from infra.grants import Grant
from infra.naming import metrics_namespace, physical_name

VISIBILITY_TIMEOUTS = 6
"""Consumer timeouts that a message stays hidden (Lambda developer guide, "Using Lambda
with Amazon SQS"): a throttled batch is tried again within that time."""


def queue_args(queue: Queue, config: StackConfig) -> WorkQueueArgs:
    """Give the inputs of a queue."""
    consumer = next(s for s in SERVICES if s.folder == queue.consumer)
    return WorkQueueArgs(
        physical_name=physical_name(config.stack, queue.name),
        visibility_timeout_s=VISIBILITY_TIMEOUTS * consumer.timeout_s + queue.window_s,
        max_receives=queue.max_receives,
        retention_s=queue.retention_s,
    )


def consumer_args(
    queue: Queue,
    queues: Mapping[str, WorkQueue],
    services: Mapping[str, PythonService],
) -> QueueConsumerArgs:
    """Give the inputs of a queue's consumer.

    Args:
        queue: The queue.
        queues: The queues by topic.
        services: The services by folder.
    """
    return QueueConsumerArgs(
        queue=queues[queue.topic],
        service=services[queue.consumer],
        batch_size=queue.batch_size,
        window_s=queue.window_s,
        max_concurrency=queue.max_concurrency,
    )


def secrets_args(config: StackConfig) -> SecretsArgs:
    """Give the inputs of what protects the stack's secrets."""
    found = {each.config: attrgetter(each.field)(config) for each in SECRETS}
    return SecretsArgs(
        stack=config.stack,
        key=EncryptionKeyArgs(
            physical_name=physical_name(config.stack, "functions"),
            stack=config.stack,
            for_budgets=config.monthly_budget_usd > 0,
        ),
        values={key: value for key, value in found.items() if value is not None},
    )


def alarms_args(config: StackConfig, key: EncryptionKey) -> AlarmsArgs:
    """Give the inputs of the alarms."""
    return AlarmsArgs(
        stack=config.stack,
        alarms=alarms_at(config.size.limits),
        key=key,
        email=config.alert_email,
        webhook=config.alert_webhook,
        for_budgets=config.monthly_budget_usd > 0,
    )


def budget_args(config: StackConfig, alarms: Alarms) -> BudgetArgs:
    """Give the inputs of the account's budget."""
    return BudgetArgs(
        physical_name=physical_name(config.stack, "month"),
        limit_usd=config.monthly_budget_usd,
        topic_arn=alarms.topic_arn,
        topic_policy=alarms.policy,
    )


def dashboard_args(config: StackConfig, alarms: Alarms) -> DashboardArgs:
    """Give the inputs of the dashboard."""
    return DashboardArgs(
        stack=config.stack,
        rows=rows_at(config.size.limits),
        alarms=sorted(alarms.names),
        topic_arn=alarms.topic_arn,
    )


def schedule_args(
    schedule: Schedule, config: StackConfig, service: PythonService
) -> CronScheduleArgs:
    """Give the inputs of a schedule that invokes a service."""
    return CronScheduleArgs(
        physical_name=physical_name(config.stack, schedule.name),
        expression=schedule.expression,
        period_s=schedule.period_s,
        service=service,
    )


def pg_cron_args(config: StackConfig) -> list[PgCronJobArgs]:
    """Give the inputs of the pg_cron jobs.

    Locally there are none: no engine runs that could call their provider, and the
    checklist schedules the same jobs.
    """
    if config.stack == LOCAL:
        return []
    return [
        PgCronJobArgs(
            stack=config.stack,
            job=job.name,
            schedule=job.schedule,
            command=job.command,
        )
        for job in PG_CRON_JOBS
    ]


def service_args(
    service: Service,
    config: StackConfig,
    archives: Archives,
    key: EncryptionKey,
    queues: Mapping[str, WorkQueue],
) -> PythonServiceArgs:
    """Give the inputs of a service.

    Args:
        service: The service.
        config: The stack's configuration.
        archives: The zips.
        key: Encrypts its environment.
        queues: All queues, by topic.
    """
    urls = {topic: queue.url for topic, queue in queues.items()}
    return PythonServiceArgs(
        physical_name=physical_name(config.stack, service.name),
        archive=archives.of(service),
        handler=service.handler,
        runtime=archives.runtime,
        architecture=archives.architecture,
        memory_mib=service.memory_mib,
        timeout_s=service.timeout_s,
        environment=render(service, config, urls),
        key_arn=key.arn,
        grants=grants(service, config, queues),
        log_retention_days=config.log_retention_days,
        reserved_concurrency=reserved_concurrency(service, config),
        is_public=service.route is not None,
    )


def reserved_concurrency(service: Service, config: StackConfig) -> int | None:
    """Give the concurrency to set aside: none for what a queue bounds already."""
    bounded = any(queue.consumer == service.folder for queue in QUEUES)
    return None if bounded or not config.reserve_concurrency else service.concurrency


def grants(
    service: Service, config: StackConfig, queues: Mapping[str, WorkQueue]
) -> list[Grant]:
    """Give the rights that the catalog declares for a service."""
    rights = [
        Grant(actions=("sqs:SendMessage",), resources=(queues[topic].arn,))
        for topic in service.sends_to
    ]
    if service.reads_metrics:
        namespace = {"cloudwatch:namespace": metrics_namespace(config.stack)}
        arns = [
            arn
            for queue in queues.values()
            for arn in (queue.arn, queue.dead_letters.arn)
        ]
        rights += [
            Grant(actions=("cloudwatch:GetMetricData",), resources=("*",)),
            Grant(
                actions=("cloudwatch:PutMetricData",),
                resources=("*",),
                condition={"StringEquals": namespace},
            ),
            Grant(actions=("sqs:GetQueueAttributes",), resources=arns),
        ]
    return rights
