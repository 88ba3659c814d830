"""The database of pg_cron with all migrations, and a few jobs of a test's own."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from deploy.crons import sync
from deploy.database import connect
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from infra.catalog.pg_crons import SNAPSHOT_HEALTH, PgCronJob


@pytest.fixture
def cron_conn(cron_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection of role postgres to the migrated database of pg_cron."""
    apply(cron_url, discover(REPOSITORY / "migrations"), lambda _: None)
    with connect(cron_url) as conn:
        yield conn


@pytest.fixture
def tidy() -> PgCronJob:
    """A job that works, under a name that is not declared."""
    return replace(
        SNAPSHOT_HEALTH,
        name="tidy",
        schedule="0 2 * * *",
        command="call kiloscale.run_steps('tidy',"
        " 'kiloscale.snapshot_step(jsonb, jsonb)', '{\"keep_days\": 400}')",
    )


@pytest.fixture
def put(cron_conn: Any) -> Any:
    """Brings the jobs to what is given; gives the actions that it took."""

    def put_jobs(*jobs: PgCronJob, adopt: bool = False) -> list[tuple[str, str]]:
        changes = sync.diff(cron_conn, jobs, adopt=adopt)
        return [(item.action, item.name) for item in sync.apply(cron_conn, changes)]

    return put_jobs
