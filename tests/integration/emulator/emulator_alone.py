"""The AWS emulator with a webhook, and zips of services that do what an event says."""

import base64
import hashlib
import threading
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from deploy.local.emulator import EMULATOR
from deploy.local.facts import LocalStack
from deploy.local.ports import LOOPBACK
from deploy.local.processes import end
from deploy.standin.app import create
from deploy.standin.users import PostgresUsers
from infra.catalog.services import SERVICES

HANDLER = """
import os
import botocore.exceptions
import botocore.session

VERSION = "{version}"


def handle(event, context):
    if "Records" in event:
        return {{"batchItemFailures": []}}
    if "operation" not in event:
        return {{"version": VERSION, "names": sorted(os.environ)}}
    client = botocore.session.get_session().create_client(event["api"])
    try:
        getattr(client, event["operation"])(**event["arguments"])
    except botocore.exceptions.ClientError as error:
        return {{"refused": error.response["Error"]["Code"]}}
    return {{"done": True}}
"""


@dataclass(frozen=True)
class Zip:
    """What provisioning needs of a `deploy.bundles.Bundle`."""

    path: Path
    sha256: str


class Webhook:
    """The stand-in in a thread; of it, only the webhook works without a database."""

    def __init__(self, stack: LocalStack) -> None:
        app = create(lambda: stack, PostgresUsers(lambda: stack.database_url))
        self.notifications = app.state.notifications
        self._server = uvicorn.Server(
            uvicorn.Config(
                app, host=LOOPBACK, port=stack.supabase_port, log_level="warning"
            )
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


class Emulator:
    """A running emulator that can forget everything, and who hears its alarms."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.webhook = Webhook(stack)
        self._start()

    def _start(self) -> None:
        self._process = EMULATOR.launch(self.stack)
        EMULATOR.settle(self.stack, self._process)

    def stop(self) -> None:
        end(self._process, *EMULATOR.shutdown)
        self.webhook.stop()

    def restart(self) -> None:
        """Lose all that it has in memory, which is all that it has."""
        end(self._process, *EMULATOR.shutdown)
        self._start()


def zips(folder: Path, version: str = "1") -> dict[str, Zip]:
    """One small zip for each service, laid out as the real ones."""
    made = {}
    for service in SERVICES:
        path = folder / f"{service.name}.zip"
        module = f"functions/{service.folder}"
        files = {
            "functions/__init__.py": "",
            f"{module}/__init__.py": "",
            f"{module}/handler.py": HANDLER.format(version=version),
        }
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo(name), text)
        digest = hashlib.sha256(path.read_bytes()).digest()
        made[service.name] = Zip(path, base64.b64encode(digest).decode())
    return made
