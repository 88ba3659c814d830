"""The edge as a part of the local stack, in front of the stand-in's storage.

It runs in the mode of the Cache API, the only cache that workerd has.
"""

import hashlib
import json
import shutil
import signal
from pathlib import Path
from typing import Any

from deploy.local.edge import installing
from deploy.local.facts import LocalStack
from deploy.local.files import private_folder, write_private
from deploy.local.parts import (
    PROBE_TIMEOUT_S,
    NoAnswerError,
    Part,
    log_path,
    mark,
    settle_by_probe,
)
from deploy.local.processes import Process, Program, spawn
from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.edge import worker_settings

NAME = "edge"
RUNNER = Path(__file__).with_name("workerd.mjs")
SHUTDOWN = ((signal.SIGTERM, 5.0),)


def folder(state: Path) -> Path:
    """Give the folder of what the edge keeps."""
    return state / NAME


def wanted(stack: LocalStack) -> dict[str, Any]:
    """Give what the edge has to serve, by the catalog and the stack's addresses."""
    settings = worker_settings.render(
        origin=stack.supabase_url, cache=worker_settings.CACHE_API
    )
    source = worker_settings.WORKER.read_bytes()
    return {
        "worker": str(worker_settings.WORKER),
        "sha256": hashlib.sha256(source).hexdigest(),
        "port": stack.edge_port,
        "compatibilityDate": WORKER_COMPATIBILITY_DATE,
        "bindings": {
            worker_settings.SETTINGS_BINDING: json.loads(settings),
            worker_settings.PURGE_KEY_BINDING: stack.purge_key,
        },
    }


def served(stack: LocalStack) -> dict[str, Any]:
    """Give what the edge was started with; empty if it never was."""
    try:
        found = json.loads((folder(stack.state) / "served.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _launch(stack: LocalStack) -> Process:
    modules = installing.modules()
    home = folder(stack.state)
    # Its copies are in memory and gone with it; workerd's own files are left over.
    shutil.rmtree(home, ignore_errors=True)
    private_folder(home / "tmp")
    serves = home / "served.json"
    given = {"modules": str(modules), **wanted(stack)}
    write_private(serves, json.dumps(given))
    name, _, value = mark(stack, NAME).partition("=")
    return spawn(
        Program(
            argv=[str(shutil.which("node")), str(RUNNER), str(serves)],
            environment={
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "HOME": str(home),
                "TMPDIR": str(home / "tmp"),
                name: value,
            },
            folder=home,
            log=log_path(stack.state, NAME),
        )
    )


def _probe(stack: LocalStack) -> str:
    import httpx

    now = wanted(stack)
    if {key: served(stack).get(key) for key in now} != now:
        raise NoAnswerError("it serves other rules or another origin than declared")
    try:
        answer = httpx.get(
            stack.edge_url,
            timeout=PROBE_TIMEOUT_S,
            trust_env=False,
            verify=False,  # noqa: S501 - plain HTTP on loopback
        )
    except httpx.HTTPError as error:
        raise NoAnswerError(f"{stack.edge_url}: {error}") from error
    # No object is at the root: this is the Worker's own refusal.
    policy = answer.headers.get("content-security-policy", "")
    if answer.status_code != httpx.codes.NOT_FOUND or "sandbox" not in policy:
        raise NoAnswerError(f"{stack.edge_url}: {answer.status_code}, not the Worker")
    count = len(now["bindings"][worker_settings.SETTINGS_BINDING]["rules"])
    return f"the CDN's Worker in workerd, {count} rules"


EDGE = Part(
    name=NAME,
    port=lambda stack: stack.edge_port,
    launch=_launch,
    settle=lambda stack, process: settle_by_probe(NAME, _probe, stack, process),
    probe=_probe,
    shutdown=SHUTDOWN,
    missing=installing.missing,
)
