"""The edge as a part of the local stack: what starts it anew, and doing without it."""

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from deploy.cdn.site import find
from deploy.checklist import Status
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.local import stack
from deploy.local.edge import installing
from deploy.local.edge.part import EDGE
from deploy.local.facts import LocalStack
from deploy.local.parts import Missing, end_part, log_path

pytestmark = pytest.mark.integration

IMAGE = "/storage/v1/object/public/generated-images/a.png"
ABSENT = Missing(reason="workerd needs Node.js 20, found none", remedy="install it")


@pytest.fixture(autouse=True)
def node():
    if absent := installing.missing():
        pytest.skip(absent.reason)


def edge_of(parts):
    return next(part for part in parts if part.name == "edge")


def test_the_edge_asks_the_storage_of_the_stack(started):
    answer = httpx.get(started.stack.edge_url + IMAGE, trust_env=False)

    assert answer.status_code == 404
    assert answer.headers["x-cdn-origin-status"] == "400"


def test_an_edge_with_other_rules_than_declared_is_started_anew(started, state):
    before = edge_of(started.parts).pid
    served = state / "edge" / "served.json"
    values = json.loads(served.read_text())
    values["bindings"]["CDN"]["rules"][0]["edgeTtlS"] = 1
    served.write_text(json.dumps(values))
    assert "other rules" in edge_of(stack.status(state)).detail

    again = stack.start(state, lambda _: None)

    assert again.changed
    assert edge_of(again.parts).pid != before


def test_an_edge_whose_origin_moves_is_told(started, state):
    end_part(stack.STANDIN, state, started.stack)
    moved = started.stack.on_ports(supabase=1)

    down = stack._down(moved, stack._look(moved))

    assert [part.name for part in down] == ["stand-in", "edge"]
    stack.start(state, lambda _: None)


def test_a_stack_of_an_earlier_version_gets_an_edge(started, state):
    end_part(EDGE, state, started.stack)
    file = state / "stack.json"
    values = json.loads(file.read_text())
    for name in ("edge_url", "purge_key"):
        del values[name]
    file.write_text(json.dumps(values))

    again = stack.start(state, lambda _: None)

    assert edge_of(again.parts).running
    assert LocalStack.load(state).purge_key


def test_no_key_is_in_the_arguments_or_the_log(started, state):
    pid = edge_of(started.parts).pid
    arguments = Path(f"/proc/{pid}/cmdline").read_text()

    key = started.stack.purge_key
    assert key not in arguments
    assert key not in log_path(state, "edge").read_text()


def test_without_node_the_rest_starts_and_the_checks_say_why(
    started, state, monkeypatch
):
    parts = (*stack.PARTS[:3], replace(EDGE, missing=lambda: ABSENT))
    end_part(EDGE, state, started.stack)
    monkeypatch.setattr(stack, "PARTS", parts)
    monkeypatch.setattr("deploy.local.edge.part.EDGE", parts[3])

    again = stack.start(state, lambda _: None)
    deployment = Deployment(stack="local", progress=lambda _: None, state=state)

    assert not again.changed
    assert edge_of(again.parts).missing == ABSENT
    skipped = find(deployment)
    assert (skipped.status, skipped.remedy) == (Status.SKIPPED, "install it")
    assert ABSENT.reason in skipped.title


def test_an_edge_that_ended_is_an_error_and_no_skip(started, state):
    end_part(EDGE, state, started.stack)
    deployment = Deployment(stack="local", progress=lambda _: None, state=state)

    with pytest.raises(DeployError, match="edge of the local stack does not run"):
        find(deployment)

    stack.start(state, lambda _: None)
