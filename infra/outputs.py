"""The outputs of a stack: where everything is."""

from collections.abc import Mapping

import pulumi

from infra.components.alarms import Alarms
from infra.components.cron_schedule import CronSchedule
from infra.components.dashboard import Dashboard
from infra.components.python_service import PythonService
from infra.components.work_queue import WorkQueue

Outputs = dict[str, pulumi.Output[dict[str, str]]]
"""Each a map by short name, e.g. ``functionUrls`` with ``chat-send``."""


def describe(
    *,
    services: Mapping[str, PythonService],
    queues: Mapping[str, WorkQueue],
    schedules: Mapping[str, CronSchedule],
    alarms: Alarms,
    dashboard: Dashboard,
    cdn: Mapping[str, pulumi.Output[str]],
) -> Outputs:
    """Give the outputs; no secret is among them."""
    urls = {name: each.url for name, each in services.items() if each.url is not None}
    dead = {name: each.dead_letters.url for name, each in queues.items()}
    dead |= {name: each.dead_letters.url for name, each in schedules.items()}
    every = pulumi.Output.all
    return {
        "functionNames": every(**{n: each.function for n, each in services.items()}),
        "functionArns": every(**{n: each.arn for n, each in services.items()}),
        "functionUrls": every(**urls),
        "queueUrls": every(**{n: each.url for n, each in queues.items()}),
        "deadLetterUrls": every(**dead),
        "scheduleNames": every(**{n: each.name for n, each in schedules.items()}),
        "alarmNames": every(**alarms.names),
        "topicArns": every(alarms=alarms.topic_arn),
        "dashboardNames": every(dashboard=dashboard.name),
    } | ({"cdnUrls": every(**cdn)} if cdn else {})
