"""Everyday commands. ``./bootstrap --list`` shows them; the work is in ``deploy/``."""

from invoke.collection import Collection

from deploy.tasks import (
    checklist,
    cloud,
    crons,
    local,
    moving,
    planning,
    queues,
    receipts,
    releases,
    retention,
    secrets,
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
    "receipt": (receipts.show, receipts.verify),
    "db": (retention.convert_logs,),
    "crons": (crons.run, crons.adopt),
    "queue": (queues.dead, queues.replay),
    "secrets": (secrets.check,),
    "user": (retention.delete,),
}
versions = Collection("releases", releases.prune)
versions.add_task(releases.listed, default=True)
namespace.add_collection(versions)
for group, tasks in GROUPS.items():
    namespace.add_collection(Collection(group, *tasks))
