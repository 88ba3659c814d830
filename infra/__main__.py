"""The Pulumi program: what a stack of Kiloscale is made of."""

import pulumi

from infra import fronts
from infra.archives import Archives
from infra.assembly import (
    alarms_args,
    budget_args,
    consumer_args,
    dashboard_args,
    pg_cron_args,
    queue_args,
    schedule_args,
    secrets_args,
    service_args,
)
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES
from infra.cdn_assembly import declare_cdn
from infra.components.alarms import Alarms
from infra.components.budget import Budget
from infra.components.cron_schedule import CronSchedule
from infra.components.dashboard import Dashboard
from infra.components.pg_cron_job import PgCronJob
from infra.components.python_service import PythonService, release_together
from infra.components.queue_consumer import QueueConsumer
from infra.components.secrets import Secrets
from infra.components.work_queue import WorkQueue
from infra.config import StackConfig
from infra.outputs import Outputs, describe


def compose(config: StackConfig, archives: Archives) -> Outputs:
    """Declare the stack; give its outputs by name, each a map by short name."""
    key = Secrets("secrets", secrets_args(config)).key
    queues = {
        q.topic: WorkQueue(q.name, queue_args(q, config)) for q in config.size.queues
    }
    services = {
        s.folder: PythonService(s.name, service_args(s, config, archives, key, queues))
        for s in config.size.services
    }
    release_together(list(services.values()))
    for q in config.size.queues:
        QueueConsumer(f"{q.name}-consumer", consumer_args(q, queues, services))
    schedules = {
        s.name: CronSchedule(s.name, schedule_args(s, config, services[s.service]))
        for s in SCHEDULES
    }
    for job in pg_cron_args(config):
        PgCronJob(job.job, job)
    alarms = Alarms("alarms", alarms_args(config, key))
    if config.monthly_budget_usd:
        Budget("budget", budget_args(config, alarms))
    return describe(
        services={s.name: services[s.folder] for s in SERVICES},
        queues={q.name: queues[q.topic] for q in config.size.queues},
        schedules=schedules,
        alarms=alarms,
        dashboard=Dashboard("dashboard", dashboard_args(config, alarms)),
        cdn=declare_cdn(config),
    ) | fronts.declare(config, services)


def main() -> None:
    """Build the zips and declare the selected stack, as ``pulumi up`` asks."""
    # Inside, because under mocks the zips are somebody else's and may be fakes.
    from deploy.bundles import build_all, cloud_target
    from deploy.paths import REPOSITORY

    config = StackConfig.load()
    target = cloud_target(extras=config.extras)
    build_all(SERVICES, target, REPOSITORY / "dist", pulumi.log.info)
    for name, value in compose(config, Archives(folder="../dist")).items():
        pulumi.export(name, value)


if __name__ == "__main__":
    main()
