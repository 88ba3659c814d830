"""The stand-in for Supabase and the LLM as a part of the local stack."""

import signal
import sys

from deploy.local.facts import LocalStack
from deploy.local.parts import Part, ask, log_path, mark, settle_by_probe
from deploy.local.processes import Process, Program, spawn
from deploy.paths import STATE_VARIABLE

NAME = "stand-in"
SHUTDOWN = ((signal.SIGTERM, 5.0),)


def _launch(stack: LocalStack) -> Process:
    name, _, value = mark(stack, NAME).partition("=")
    return spawn(
        Program(
            argv=[sys.executable, "-P", "-m", "deploy.standin"],
            environment={
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                STATE_VARIABLE: str(stack.state),
                name: value,
            },
            folder=stack.state,
            log=log_path(stack.state, NAME),
        )
    )


def _probe(stack: LocalStack) -> str:
    serves = ask(f"{stack.supabase_url}/healthz").get("serves", [])
    return ", ".join(map(str, serves))


STANDIN = Part(
    name=NAME,
    port=lambda stack: stack.supabase_port,
    launch=_launch,
    settle=lambda stack, process: settle_by_probe(NAME, _probe, stack, process),
    probe=_probe,
    shutdown=SHUTDOWN,
)
