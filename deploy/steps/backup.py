"""Look for a backup before migrations change a database with real users in it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deploy.checklist import Result, Status, Step, skipped
from deploy.deployment import Deployment

if TYPE_CHECKING:
    import psycopg
    from psycopg.rows import TupleRow


def run(deployment: Deployment) -> Iterator[Result]:
    """Look, where a migration is pending; change nothing."""
    if deployment.is_local:
        reason = "the local stack's data is not production data"
        yield skipped("backup.restorable", reason)
        return
    from deploy import migrations
    from deploy.database import connect
    from deploy.steps.migrations import FOLDER

    found = migrations.discover(FOLDER)
    with connect(deployment.database_url()) as connection:
        pending = migrations.plan(connection, found).pending
        if pending:
            yield look(deployment, connection)
            return
    yield Result(
        id="backup.restorable",
        title="nothing to apply, so nothing to restore",
        status=Status.PASS,
        evidence={"applied": len(found)},
    )


def look(deployment: Deployment, connection: "psycopg.Connection[TupleRow]") -> Result:
    """Look for a backup of a cloud stack's database."""
    from deploy import backups

    deployment.progress("looking for a backup")
    deployment.looked_for_backup = True
    url = deployment.database_url()
    return backups.check(connection, url, os.environ, datetime.now(UTC))


STEP = Step(id="backup", title="look for a backup", run=run)
