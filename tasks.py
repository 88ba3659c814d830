"""Everyday commands. ``./bootstrap --list`` shows them; the work is in ``deploy/``."""

from invoke.collection import Collection

from deploy.tasks import (
    checklist,
    cloud,
    crons,
    images,
    local,
    moving,
    planning,
    queues,
    receipts,
    releases,
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
    "crons": (crons.run, crons.adopt),
    "images": (images.backfill, images.restore),
    "queue": (queues.dead, queues.replay),
    "secrets": (secrets.check,),
}
versions = Collection("releases", releases.prune)
versions.add_task(releases.listed, default=True)
namespace.add_collection(versions)
for group, tasks in GROUPS.items():
    namespace.add_collection(Collection(group, *tasks))
