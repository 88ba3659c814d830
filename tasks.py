"""Everyday commands. ``./bootstrap --list`` shows them; the work is in ``deploy/``."""

from invoke.collection import Collection

from deploy.tasks import (
    archival,
    cdn,
    checklist,
    cloud,
    crons,
    export,
    forecast,
    images,
    inspection,
    local,
    moving,
    partitioning,
    planning,
    queues,
    receipts,
    releases,
    retention,
    secrets,
    simulation,
    workshop,
)

namespace = Collection(
    planning.plan,
    checklist.deploy,
    checklist.verify_crons,
    moving.cutover,
    checklist.drift,
    releases.rollback,
    workshop.demo,
    workshop.serve,
    workshop.bench,
    workshop.test,
    workshop.policy_lab,
    workshop.openapi,
)
GROUPS = {
    "cloud": (cloud.rights,),
    "local": (
        local.start,
        local.stop,
        local.status,
        local.logs,
        local.reset,
        local.destroy,
        local.env,
    ),
    "receipt": (
        receipts.show,
        receipts.verify,
    ),
    "crons": (
        crons.run,
        crons.adopt,
    ),
    "db": (
        archival.archive,
        archival.archival_stats,
        archival.reclaim,
        archival.restore,
        archival.hard_delete,
        forecast.forecast,
        inspection.index_usage,
        inspection.table_sizes,
        inspection.hot_queries,
        inspection.bloat,
        partitioning.partition,
        partitioning.citus_ddl,
        export.export,
        retention.convert_logs,
    ),
    "queue": (
        queues.dead,
        queues.replay,
    ),
    "secrets": (secrets.check,),
    "cdn": (
        cdn.verify,
        cdn.purge,
        cdn.watch,
        cdn.rewrite_urls,
        simulation.simulate,
    ),
    "user": (retention.delete,),
    "images": (
        images.backfill,
        images.restore,
    ),
}
versions = Collection("releases", releases.prune)
versions.add_task(releases.listed, default=True)
namespace.add_collection(versions)
for group, tasks in GROUPS.items():
    namespace.add_collection(Collection(group, *tasks))
