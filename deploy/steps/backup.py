"""Look for a backup before migrations change a database with real users in it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment


def run(deployment: Deployment) -> Iterator[Result]:
    """Look, where a migration is pending; change nothing."""
    if deployment.is_local:
        yield Result(
            id="backup.restorable",
            title="skipped: the local stack's data is not production data",
            status=Status.SKIPPED,
        )
        return
    from deploy import backups, migrations
    from deploy.database import connect
    from deploy.steps.migrations import FOLDER

    url = deployment.database_url()
    found = migrations.discover(FOLDER)
    with connect(url) as connection:
        pending = migrations.plan(connection, found).pending
        if pending:
            deployment.progress("looking for a backup")
            yield backups.check(connection, url, os.environ, datetime.now(UTC))
            return
    yield Result(
        id="backup.restorable",
        title="nothing to apply, so nothing to restore",
        status=Status.PASS,
        evidence={"applied": len(found)},
    )


STEP = Step(id="backup", title="look for a backup", run=run)
