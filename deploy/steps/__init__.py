"""The steps of ``invoke deploy``, one module each, in the order of `CHECKLIST`."""

from deploy.checklist import Step
from deploy.deployment import Deployment
from deploy.steps import (
    alarms,
    backup,
    bundles,
    cdn,
    crons,
    database,
    functions,
    infrastructure,
    migrations,
    monitoring,
    preflight,
)

CHECKLIST: tuple[Step[Deployment], ...] = (
    preflight.STEP,
    database.STEP,
    backup.STEP,
    migrations.STEP,
    bundles.STEP,
    infrastructure.STEP,
    crons.STEP,
    functions.STEP,
    monitoring.STEP,
    alarms.STEP,
    cdn.STEP,
)

VERIFY_CRONS: tuple[Step[Deployment], ...] = (crons.VERIFY, monitoring.VERIFY)
