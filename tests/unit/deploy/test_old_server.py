"""A server that is too old; none is at hand, so its answer is written out here."""

from contextlib import nullcontext

import pytest

from deploy import database as connections
from deploy.checklist import Result, Status, Step, run_steps
from deploy.console import Progress
from deploy.deployment import DATABASE_VARIABLE, Deployment
from deploy.errors import ExitCode
from deploy.steps import database

ANSWER = {
    "version_num": 140012,
    "version": "14.12",
    "database": "app",
    "role": "app",
    "superuser": False,
    "may_create": True,
    "bytes": 9 * 1024**2,
    "pg_cron": "1.4",
}
LATER = Step(
    id="later",
    title="",
    run=lambda _: iter([Result(id="later.ran", title="ran", status=Status.PASS)]),
)


@pytest.fixture
def deploy(monkeypatch):
    """Runs the database step, and one after it, on a server of some version."""
    monkeypatch.setenv(DATABASE_VARIABLE, "postgresql://app@db.example/app")
    monkeypatch.setattr(connections, "connect", lambda _: nullcontext())

    def run(**changes):
        monkeypatch.setattr(database, "_facts", lambda _: ANSWER | changes)
        cloud = Deployment(stack="production", progress=lambda _: None)
        return run_steps([database.STEP, LATER], cloud, Progress())

    return run


def test_an_old_server_ends_the_deploy_before_anything_is_changed(deploy):
    results, code = deploy()

    assert code is ExitCode.FAILED
    assert results[0].title == (
        "PostgreSQL 14.12, 9 MiB: 15 or later is needed; nothing was changed"
    )
    assert results[0].remedy == "upgrade the database, then deploy again"
    assert "later.ran" not in [result.id for result in results]


def test_the_oldest_server_that_is_new_enough_passes(deploy):
    results, code = deploy(version_num=150000, version="15.0")

    assert code is ExitCode.DONE
    assert results[-1].id == "later.ran"
