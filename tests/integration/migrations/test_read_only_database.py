"""Tasks that change data, on a database that takes no writes."""

import pytest

from deploy.archival.marking import archiving
from deploy.archival.moving import moving
from deploy.archival.restoring import restoring
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.migrations.session import migrating

pytestmark = pytest.mark.integration


@pytest.fixture
def chat(app):
    return app.conversation(1, 2)


@pytest.fixture
def read_only(app, chat, monkeypatch):
    """The URL, as Supabase leaves a database whose disk is nearly full."""
    url = f"{app.url}?options=-c%20default_transaction_read_only%3Don"
    monkeypatch.setattr(Deployment, "database_url", lambda _: url)
    return url


@pytest.mark.parametrize(
    "make",
    [
        lambda _: archiving(6, 100),
        lambda _: moving(),
        lambda chat: restoring(chat, hold=True),
    ],
    ids=["archive", "reclaim", "restore"],
)
def test_a_task_says_that_nothing_can_be_written(read_only, chat, make):
    step = make(chat)

    with pytest.raises(DeployError, match="takes no writes"):
        list(step.run(Deployment(stack="local", progress=print)))


def test_migrating_and_partitioning_say_it_before_they_begin(read_only):
    with pytest.raises(DeployError) as caught, migrating(read_only, print):
        pass

    assert "it is a replica, or read-only" in str(caught.value)
    assert "./bootstrap db.forecast" in str(caught.value.remedy)
