"""``cdn.watch`` on a database with storage: what it changes, and what it refuses."""

import pytest

from deploy import stackfiles
from deploy.cdn import watching
from deploy.deployment import DATABASE_VARIABLE, Deployment
from deploy.errors import DeployError, UsageError

pytestmark = pytest.mark.integration

FILE = """\
config:
  kiloscale:supabaseUrl: https://abcdefghijklmnopqrst.supabase.co
  kiloscale:cdn: {mode}
  kiloscale:cdnDomain: cdn.example.com
"""
STORAGE = """
create schema if not exists storage;
create table if not exists storage.objects (
    id uuid primary key default gen_random_uuid(), bucket_id text, name text,
    metadata jsonb);
"""


@pytest.fixture
def stack(tmp_path, monkeypatch):
    """Give a deployment of a stack whose CDN has a mode."""
    monkeypatch.setattr(stackfiles, "FOLDER", tmp_path)

    def stack(url, mode="worker-cache", **more):
        (tmp_path / "Pulumi.production.yaml").write_text(FILE.format(mode=mode))
        monkeypatch.setenv(DATABASE_VARIABLE, url)
        return Deployment(stack="production", progress=lambda _: None, **more)

    return stack


def test_watching_twice_changes_something_once_and_stopping_ends_it(app, stack):
    app.run(STORAGE)
    deployment = stack(app.url)

    (planned,) = watching.watch(stack(app.url, dry_run=True))
    (first,) = watching.watch(deployment)
    (second,) = watching.watch(deployment)
    (stopped,) = watching.unwatch(deployment)
    (again,) = watching.unwatch(deployment)

    assert (planned.planned, planned.changed) == (True, False)
    assert [each.changed for each in (first, second, stopped, again)] == [
        *(True, False, True, False)
    ]
    assert len(first.evidence["after"]) == 2


@pytest.mark.parametrize("mode", ["cloudfront", "worker-cache-api", "none"])
def test_only_workers_cache_can_be_told_of_each_change(stack, mode):
    with pytest.raises(UsageError, match=f"cdn is {mode}, and only worker-cache has"):
        watching.check(stack("postgresql://x", mode))


def test_a_database_without_the_migration_or_storage_is_told_so(app, empty, stack):
    with pytest.raises(DeployError, match=r"no kiloscale\.watch_objects"):
        list(watching.watch(stack(empty.url)))
    with pytest.raises(DeployError, match=r"no table storage\.objects.*nothing was"):
        list(watching.watch(stack(app.url)))
