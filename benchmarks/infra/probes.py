"""Small zips of services that do what an event says, laid out as the real ones."""

import base64
import hashlib
import zipfile
from pathlib import Path

from deploy.bundles import Bundle
from infra.catalog.services import SERVICES

HANDLER = """
import botocore.exceptions
import botocore.session


def handle(event, context):
    if "Records" in event:
        return {"batchItemFailures": []}
    if "operation" not in event:
        return {"done": True}
    client = botocore.session.get_session().create_client(event["api"])
    try:
        getattr(client, event["operation"])(**event["arguments"])
    except botocore.exceptions.ClientError as error:
        return {"refused": str(error)}
    return {"done": True}
"""


def zips(folder: Path) -> dict[str, Bundle]:
    """Write one for each service."""
    return {
        service.name: zipped(service.name, folder, {service.folder: HANDLER})
        for service in SERVICES
    }


def zipped(name: str, folder: Path, handlers: dict[str, str]) -> Bundle:
    """Write a zip.

    Args:
        name: Of the service.
        folder: Where to.
        handlers: Source of ``handler.py`` by the service's folder.
    """
    path = folder / f"{name}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("functions/__init__.py"), "")
        for module, text in handlers.items():
            for file, content in (("__init__.py", ""), ("handler.py", text)):
                entry = zipfile.ZipInfo(f"functions/{module}/{file}")
                archive.writestr(entry, content)
    written = path.read_bytes()
    digest = base64.b64encode(hashlib.sha256(written).digest()).decode()
    return Bundle(service=name, path=path, sha256=digest, size=len(written), built=True)
