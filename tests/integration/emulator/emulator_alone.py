"""The AWS emulator alone, and zips of services that do what an event says."""

import base64
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from deploy.local.emulator import EMULATOR
from deploy.local.facts import LocalStack
from deploy.local.processes import end
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


class Emulator:
    """A running emulator that can forget everything."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self._start()

    def _start(self) -> None:
        self._process = EMULATOR.launch(self.stack)
        EMULATOR.settle(self.stack, self._process)

    def stop(self) -> None:
        end(self._process, *EMULATOR.shutdown)

    def restart(self) -> None:
        """Lose all that it has in memory, which is all that it has."""
        self.stop()
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
