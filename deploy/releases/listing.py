"""The versions of each service: when, from where, which is live, what one can use."""

from collections.abc import Iterator, Sequence

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.releases import choosing, rollback
from deploy.releases.choosing import Known
from deploy.releases.versions import Functions, Published
from infra.catalog.services import Service

SHOWN = 5
"""Versions a service in the table; ``--json`` and one service alone show all."""


def run(
    deployment: Deployment, services: Sequence[Service], *, every: bool
) -> Iterator[Result]:
    """List the releases, then the versions of each service, newest first."""
    known = rollback.look(deployment, Functions(deployment))
    yield _sets(known)
    for service in services:
        versions = list(reversed(known.there[service.name]))
        shown = versions if every else versions[:SHOWN]
        for published in shown:
            yield _version(known, service, published)
        if not versions:
            yield Result(
                id=f"{service.name}.none",
                title="was never deployed here",
                status=Status.SKIPPED,
            )
        elif len(shown) < len(versions):
            yield Result(
                id=f"{service.name}.more",
                title=f"{len(versions) - SHOWN} older ones",
                status=Status.SKIPPED,
                remedy=f"./bootstrap releases --service {service.name}",
            )


def _sets(known: Known) -> Result:
    """List the recorded releases that a rollback of all can name."""
    entries = [
        {
            "number": entry.number,
            "at": entry.at,
            "kind": entry.kind,
            "proved": entry.proved,
            "commit": entry.commit,
            "services": {n: v.number for n, v in entry.services.items()},
        }
        for entry in known.entries
    ]
    current = choosing.logged(known, known.live)
    title = f"{len(entries)} recorded here"
    if current:
        title += f"; live is {current.number}, {current.kind} of {current.at}"
    elif known.live:
        title += "; what is live is none of them"
    return Result(
        id="releases.recorded",
        title=title,
        status=Status.PASS,
        evidence={"releases": entries},
    )


def _version(known: Known, service: Service, published: Published) -> Result:
    """Describe a version."""
    version = published.version
    is_live = known.live.get(service.name) == version
    entries = [e for e in known.entries if e.services.get(service.name) == version]
    withdrawn = choosing.withdrawn(known, service.name, version)
    proved = any(entry.proved for entry in entries)
    commit = next((entry.commit for entry in entries if entry.commit), None)
    state = "live" if is_live else "withdrawn" if withdrawn else "kept"
    told = [
        published.at[:19].replace("T", " "),
        f"{published.size / 1e6:.1f} MB",
        state,
    ]
    told += [f"commit {commit[:7]}{'+' * commit.endswith('+')}"] if commit else []
    back = f"./bootstrap rollback --service {service.name} --to {version.number}"
    return Result(
        id=f"{service.name}.{version.number}",
        title=", ".join(told),
        status=Status.WARN if state == "withdrawn" else Status.PASS,
        evidence={
            "version": version.number,
            "published_at": published.at,
            "bytes": published.size,
            "sha256": version.sha256,
            "live": is_live,
            "proved": proved,
            "withdrawn": withdrawn,
            "commit": commit,
            "rollback": None if is_live else back,
        },
    )
