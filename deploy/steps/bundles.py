"""Build one deterministic zip for each service."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import stackfiles
from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.paths import REPOSITORY
from infra.catalog.services import SERVICES

if TYPE_CHECKING:
    from deploy.bundles import BundleTarget

LAMBDA_ZIP_BYTES_MAX = 50 * 1024**2
"""Limit of a direct upload (AWS Lambda quotas, "Deployment package size")."""


def folder(deployment: Deployment) -> Path:
    """Give the folder of the stack's zips."""
    return deployment.state / "dist" if deployment.is_local else REPOSITORY / "dist"


def target_of(deployment: Deployment) -> "BundleTarget":
    """Give what the stack's zips are built for, by its configuration."""
    from deploy.bundles import cloud_target, host_target

    target = host_target if deployment.is_local else cloud_target
    return target(extras=stackfiles.extras(deployment.stack))


def run(deployment: Deployment) -> Iterator[Result]:
    """Build what changed and say what each zip is."""
    from deploy.bundles import build_all, stale

    target = target_of(deployment)
    out = folder(deployment)
    if deployment.dry_run:
        names = stale(SERVICES, target, out)
        yield Result(
            id="bundles.stale",
            title=f"would build {', '.join(names)}" if names else "all are up to date",
            status=Status.PASS,
            evidence={"stale": names},
            planned=bool(names),
        )
        return
    for bundle in build_all(SERVICES, target, out, deployment.progress):
        deployment.bundles[bundle.service] = bundle
        small_enough = bundle.size <= LAMBDA_ZIP_BYTES_MAX
        yield Result(
            id=f"bundles.{bundle.service}",
            title=f"{bundle.size / 1e6:.1f} MB, {bundle.sha256[:12]},"
            f" {'built' if bundle.built else 'unchanged'}"
            + ("" if small_enough else ": over the 50 MiB that Lambda accepts"),
            status=Status.PASS if small_enough else Status.FAIL,
            evidence={
                "path": str(bundle.path),
                "sha256": bundle.sha256,
                "bytes": bundle.size,
                "python": target.python,
                "platform": target.platform,
            },
            changed=bundle.built,
        )


STEP = Step(id="bundles", title="build the services' zips", run=run)
