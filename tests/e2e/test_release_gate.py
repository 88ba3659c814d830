"""A release that does not prove itself goes back by itself; one can go back by hand."""

import json
import time
from pathlib import Path

import pytest
from fault_deploys import Outcome, Project

from deploy.local.facts import LocalStack
from deploy.releases import log
from deploy.smoke.gateway import Gateway
from deploy.smoke.person import sign
from deploy.smoke.proof import issuer
from infra.catalog.services import CHAT_SEND, HEALTH_CHECK, SERVICES

pytestmark = [pytest.mark.e2e, pytest.mark.sweep]

BROKEN = """
def handle(event, context):
    return {"statusCode": 500, "body": "broken"}
"""
NAMES = [service.name for service in SERVICES]


@pytest.fixture(scope="module")
def deployed(project: Project) -> Project:
    """A project whose first release is live."""
    assert project.deploy().works
    return project


def handler(project: Project) -> Path:
    return project.folder / "functions" / "chat_send" / "handler.py"


def asked(project: Project) -> int:
    """The status that the app reads for a forged token."""
    stack = LocalStack.load(project.state)
    assert stack
    from uuid import uuid4

    with Gateway(stack) as gateway:
        token = sign(uuid4(), "f" * 40, issuer(stack))
        return gateway.request(CHAT_SEND, token=token, body=b"{}").status


def live(outcome: Outcome) -> dict[str, int]:
    """Version by service, as `releases` shows it."""
    shown = [one["evidence"] for one in outcome.report["checks"]]
    names = [one["id"].rpartition(".")[0] for one in outcome.report["checks"]]
    pairs = zip(names, shown, strict=True)
    return {name: one["version"] for name, one in pairs if one.get("live")}


def test_a_release_that_fails_its_proof_goes_back_and_the_next_one_passes(deployed):
    good = handler(deployed).read_text()
    handler(deployed).write_text(BROKEN)
    # The whole set changes: a line in what each zip has.
    shared = deployed.folder / "functions" / "shared" / "logging.py"
    shared.write_text(shared.read_text() + "\n# another line\n")

    failed = deployed.deploy("--skip", "backup")

    assert (failed.code, failed.failed["id"]) == (7, "functions.bad-token")
    back = failed.check("functions.rollback")
    moved = back["evidence"]["moved_back"]
    assert moved == {name: {"from": 2, "to": 1} for name in NAMES}
    assert back["title"].endswith("; the new code is published and not live")
    assert asked(deployed) == 401
    assert live(deployed.run("releases")) == dict.fromkeys(NAMES, 1)

    again = deployed.deploy()

    assert again.code == 7, "the same code must not pass for proved"
    assert asked(deployed) == 401

    handler(deployed).write_text(good)
    fixed = deployed.deploy()

    assert fixed.works
    now = live(deployed.run("releases"))
    assert now["chat-send"] == 3
    assert {now[name] for name in NAMES if name != "chat-send"} == {2}
    kinds = [entry.kind for entry in log.read(deployed.state / "records" / "local")]
    assert kinds == ["deploy", "withdrawn", "withdrawn", "deploy"]


def test_one_service_goes_back_by_hand_and_forth_again(deployed):
    before = live(deployed.run("releases"))["chat-send"]

    started = time.monotonic()
    back = deployed.run("rollback", "--service", "chat-send")
    took = time.monotonic() - started

    assert back.works, back.report
    assert back.check("rollback.migrations")["status"] == "pass"
    (move,) = back.check("rollback.aliases")["evidence"]["moves"]
    assert (move["from"], move["to"]) == (before, 1), "2 was withdrawn"
    assert back.check("answers.chat-send")["status"] == "pass"
    assert took < 10
    undo = back.check("rollback.aliases")["remedy"]
    assert undo == f"./bootstrap rollback --service chat-send --to {before}"
    forth = deployed.run(*undo.split()[1:])
    assert forth.works
    assert live(deployed.run("releases"))["chat-send"] == before


def test_a_whole_release_goes_back_and_each_service_answers(deployed):
    back = deployed.run("rollback", "--service", "all")

    assert back.works, back.report
    assert live(deployed.run("releases")) == dict.fromkeys(NAMES, 1)
    for name in NAMES:
        assert back.check(f"answers.{name}")["status"] == "pass"
    health = back.check(f"answers.{HEALTH_CHECK.name}")["title"]
    assert health == "health-check: a forged token gets 401, the internal key gets 200"
    newest = max((deployed.state / "records" / "local" / "receipts").glob("*.json"))
    receipt = json.loads(newest.read_text())
    assert receipt["report"]["task"] == "rollback"
    undo = back.check("rollback.aliases")["remedy"]
    assert deployed.run(*undo.split()[1:]).works
    assert live(deployed.run("releases"))["chat-send"] == 3
