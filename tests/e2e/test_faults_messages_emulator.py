"""Messages on the local stack with its real zips, while its parts are killed.

Left out of a usual run: ``./bootstrap test --match sweep``. The relay runs each minute
and waits longer after each send, so this takes minutes.
"""

import json
import os
import random
import signal
import time
from urllib.parse import urlsplit

import psycopg
import pytest
from fault_messages import Crowd, people, wait_answered, whole

from deploy.local import proctable
from deploy.local.emulator import EMULATOR
from deploy.local.facts import LocalStack
from deploy.local.parts import mark
from deploy.smoke.gateway import FUNCTION_URLS
from deploy.smoke.proof import issuer
from infra.catalog.services import CHAT_SEND

pytestmark = [pytest.mark.e2e, pytest.mark.sweep]

SEED = 20251107
MESSAGES = 300
USERS = 20
PACE = 3.0

AWAY = frozenset({403, 404, 429, 500, 502, 503, 504})
"""What a function URL answers whose worker died, or that is not provisioned again
yet; 429 is the function's concurrency, since no user comes near the limit."""

PATIENCE_S = 900

PROOFS = "functions,monitoring,alarms"


def facts(project) -> LocalStack:
    stack = LocalStack.load(project.state)
    assert stack
    return stack


def workers(project) -> list[int]:
    """The processes that run the functions' code."""
    alone = {project.pid("emulator")}
    marked = proctable.with_environment(mark(facts(project), EMULATOR.name))
    return sorted(set(marked) - alone)


def test_sweep_messages_are_answered_once_on_the_emulator(project):
    deployed = project.deploy("--skip", PROOFS)
    assert deployed.works, deployed.failed
    stack = facts(project)
    moments = random.Random(SEED)

    def connect() -> psycopg.Connection:
        return psycopg.connect(facts(project).database_url, autocommit=True)

    def address() -> tuple[str, dict[str, str]]:
        now = facts(project)
        urls = json.loads((now.state / FUNCTION_URLS).read_text())
        host = urlsplit(urls[CHAT_SEND.name]).netloc
        return now.emulator_url + CHAT_SEND.route[1], {"host": host}

    with connect() as connection:
        made = people(connection, USERS, secret=stack.jwt_secret, issuer=issuer(stack))
    crowd = Crowd(
        address=address, people=made, messages=MESSAGES, pace=PACE, passing=AWAY
    )

    crowd.start()
    killed = 0
    for fault in ("", "postgres", "", "emulator", "", "postgres", ""):
        time.sleep(moments.uniform(5, 9))
        if fault:
            os.kill(project.pid(fault), signal.SIGKILL)
            time.sleep(moments.uniform(0.5, 2))
            mended = project.deploy("--skip", f"bundles,{PROOFS}")
            assert mended.works, mended.failed
        else:
            for pid in workers(project):
                os.kill(pid, signal.SIGKILL)
                killed += 1
    crowd.wait(PATIENCE_S)

    assert killed > 0
    assert wait_answered(connect, MESSAGES, PATIENCE_S) == whole(MESSAGES)
