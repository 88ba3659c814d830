"""Rows as the catalog would hold them, for the pure parts."""

from datetime import UTC, datetime, timedelta

import pytest

from deploy.crons.presence import CronFacts
from deploy.crons.state import CronRun, InstalledJob, RegisteredJob, RunLogRow
from infra.catalog.pg_crons import PgCronJob


class Rows:
    """Makes rows that belong together; each call changes what it names."""

    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def job(self, **changes):
        values = {
            "name": "tidy",
            "schedule": "0 2 * * *",
            "command": "call kiloscale.tidy()",
            "purpose": "test",
            "dry_run": "select 1",
        }
        return PgCronJob(**values | changes)

    def facts(self, **changes):
        values = {
            "version": "1.4-1",
            "is_available": True,
            "cron_database": "postgres",
            "timezone": None,
            "database": "postgres",
            "role": "postgres",
            "has_registry": True,
            "major": 15,
            "server_started_at": self.now - timedelta(days=30),
            "launcher_started_at": None,
        }
        return CronFacts(**values | changes)

    def installed(self, **changes):
        values = {
            "jobid": 7,
            "name": "tidy",
            "schedule": "0 2 * * *",
            "command": "call kiloscale.tidy()",
            "database": "postgres",
            "username": "postgres",
            "active": True,
            "nodename": "localhost",
        }
        return InstalledJob(**values | changes)

    def registered(self, **changes):
        values = {
            "name": "tidy",
            "jobid": 7,
            "database": "postgres",
            "username": "postgres",
            "schedule": "0 2 * * *",
            "command": "call kiloscale.tidy()",
            "registered_at": self.now - timedelta(days=10),
            "registered_runid": 0,
        }
        return RegisteredJob(**values | changes)

    def run(self, **changes):
        start = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
        values = {
            "runid": 30,
            "job_pid": 4711,
            "status": "succeeded",
            "return_message": "CALL",
            "start_time": start,
            "end_time": start + timedelta(seconds=2),
        }
        return CronRun(**values | changes)

    def log(self, **changes):
        start = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
        values = {
            "id": 12,
            "job": "tidy",
            "started_at": start,
            "finished_at": start + timedelta(seconds=1),
            "rows": 1234,
            "batches": 3,
            "error": None,
            "detail": {},
        }
        return RunLogRow(**values | changes)


@pytest.fixture
def rows():
    return Rows()
