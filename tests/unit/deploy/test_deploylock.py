"""One deploy of a stack at a time; the other one is told who deploys."""

import os
import re

import pytest

from deploy.deploying import Request, choose
from deploy.deploylock import held
from deploy.deployment import Deployment
from deploy.errors import LockedError, UsageError


@pytest.fixture
def deployment(tmp_path):
    return Deployment(stack="local", progress=lambda _: None, state=tmp_path)


def test_a_second_deploy_is_told_who_deploys(deployment):
    with (
        held(deployment),
        pytest.raises(LockedError) as refused,
        held(deployment),
    ):
        pytest.fail("two deploys at once")

    assert re.search(rf"by \S+@\S+, pid {os.getpid()}, since", str(refused.value))
    assert refused.value.exit_code == 75


def test_the_lock_is_free_after_a_deploy(deployment):
    with held(deployment):
        pass
    with held(deployment):
        pass


def test_from_keeps_the_steps_that_look_first(deployment):
    steps = choose(Request(stack="local", start="crons"), deployment)

    assert [step.id for step in steps][:3] == ["preflight", "database", "crons"]


def test_wishes_that_exclude_each_other_are_refused(deployment):
    with pytest.raises(UsageError, match="--only, --from and --resume exclude"):
        choose(Request(stack="local", only="crons", resume=True), deployment)


def test_resume_without_an_unfinished_deploy_is_refused(deployment):
    with pytest.raises(UsageError, match="no deploy to resume: none began"):
        choose(Request(stack="local", resume=True), deployment)
