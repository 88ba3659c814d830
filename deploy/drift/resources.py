"""Resources: on ``local`` each one on the emulator, in the cloud by the engine."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.drift.findings import GONE, Difference, differs, looked_at, skipped
from deploy.drift.seams import counted

if TYPE_CHECKING:
    from deploy.emulator.record import Record

PART = "infrastructure"
SECRET = ("Environment.", "Endpoint")
"""Attributes of which the baseline holds a seal, not the value."""

REMEDY = "./bootstrap deploy"


def look(deployment: Deployment) -> Iterator[Result]:
    """Compare every resource, attribute by attribute."""
    if not deployment.is_local:
        from deploy.engine import drift

        yield from counted(drift.drift(deployment))
        return
    from deploy.emulator.record import Record

    record = Record.load(deployment.state)
    if not record.exists:
        yield from skipped(PART, "nothing was ever provisioned here", REMEDY)
        return
    yield from _of_emulator(deployment, record)


def _of_emulator(deployment: Deployment, record: "Record") -> Iterator[Result]:
    """Compare what the emulator has with what was put there."""
    from deploy.emulator import provision

    gone, changed = provision.compared(deployment.require_local())
    found = 0
    for resource in record.resources():
        differences = [
            Difference(
                name=each.attribute,
                declared=each.declared,
                found=each.found,
                is_secret=each.attribute.startswith(SECRET),
            )
            for each in changed
            if each.resource == resource
        ]
        if resource.title in gone:
            differences = [GONE]
        if differences:
            found += 1
            yield differs(PART, resource.name, resource.title, differences, REMEDY)
    count = len(record.resources())
    yield looked_at(PART, f"{count} resources of the emulator", found)
