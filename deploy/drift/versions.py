"""What is live against the last release: versions, code and weights."""

from collections.abc import Iterator

from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.drift.findings import Difference, differs, looked_at, skipped
from deploy.releases import log
from deploy.releases.log import Entry
from deploy.releases.versions import Functions, Release, live
from infra.catalog.services import SERVICES

PART = "releases"


def look(deployment: Deployment) -> Iterator[Result]:
    """Compare the live version of each service with the last release."""
    entries = [e for e in log.read(deployment.records) if e.kind != log.WITHDRAWN]
    if not entries:
        reason = "no release is recorded on this machine"
        yield from skipped(PART, reason, "./bootstrap deploy")
        return
    release, now = entries[-1], live(deployment)
    weights = {} if deployment.is_local else Functions(deployment).weights()
    found = 0
    for service in SERVICES:
        differences = list(_compare(service.name, release, now))
        if weights.get(service.name):
            differences.append(
                Difference(name="weights", declared={}, found=weights[service.name])
            )
        if differences:
            found += 1
            resource, remedy = (
                f"alias live of {service.name}",
                _remedy(release, service.name),
            )
            yield differs(PART, service.name, resource, differences, remedy)
    what = f"{len(SERVICES)} aliases against release {release.number} of {release.at}"
    yield looked_at(PART, what, found)


def _compare(name: str, release: Entry, now: Release) -> Iterator[Difference]:
    """Compare one service's number and code."""
    was, found = release.services.get(name), now.get(name)
    if (was and was.number) != (found and found.number):
        yield Difference(
            name="version",
            declared=was and was.number,
            found=found and found.number,
        )
    if was and found and was.sha256 != found.sha256:
        yield Difference(name="CodeSha256", declared=was.sha256, found=found.sha256)


def _remedy(release: Entry, name: str) -> str:
    """Give the command that makes the released version live again."""
    was = release.services.get(name)
    if was is None:
        return "./bootstrap deploy"
    return f"./bootstrap rollback --service {name} --to {was.number}"
