"""What was applied since a version was live, asked of a real history."""

import pytest

from deploy.deployment import DATABASE_VARIABLE, Deployment
from deploy.errors import DeployError
from deploy.local.ports import free_port
from deploy.migrations import apply, discover
from deploy.releases import obstacles

pytestmark = pytest.mark.integration

LAMBDA_TIME = "{}-01-01T00:00:00.000+0000"
"""As Lambda writes ``LastModified``."""


@pytest.fixture
def deployment(monkeypatch, tmp_path) -> Deployment:
    return Deployment(stack="cloudy", progress=lambda _: None, state=tmp_path)


def test_only_what_came_after_a_version_counts(deployment, scratch_url, monkeypatch):
    found = discover(obstacles.FOLDER)
    apply(scratch_url, found, lambda _: None)
    monkeypatch.setenv(DATABASE_VARIABLE, scratch_url)
    before, last = [each.version for each in found[:-1]], found[-1].path.name

    by_log = obstacles.since(deployment, before, LAMBDA_TIME.format(2000))
    new = obstacles.since(deployment, None, LAMBDA_TIME.format(2999))
    old = obstacles.since(deployment, None, LAMBDA_TIME.format(2000))

    assert by_log.applied == (last,)
    assert by_log.in_the_way == {}
    assert new.applied == ()
    assert old.applied == tuple(each.path.name for each in found)
    assert list(old.in_the_way) == ["20251107000400_drop_redundant_indexes.sql"]


def test_a_database_that_is_away_is_no_clean_history(deployment, monkeypatch):
    url = f"postgresql://app@127.0.0.1:{free_port()}/app"
    monkeypatch.setenv(DATABASE_VARIABLE, url)

    with pytest.raises(DeployError, match="cannot connect"):
        obstacles.since(deployment, [], LAMBDA_TIME.format(2000))
