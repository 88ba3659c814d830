"""Look at the machine and the working tree before anything is touched."""

import platform
import shutil
import subprocess
from collections.abc import Iterator

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.paths import REPOSITORY

FREE_BYTES_MIN = 1024**3
"""A cluster, its WAL and the zips take about 300 MB (measured 2026-11-23, see
docs/decisions.md); the rest is room for data."""


def run(deployment: Deployment) -> Iterator[Result]:
    """Yield what the machine offers; fail on what the run cannot do without."""
    yield Result(
        id="preflight.python",
        title=f"Python {platform.python_version()}, {platform.machine()}",
        status=Status.PASS,
        evidence={"version": platform.python_version(), "machine": platform.machine()},
    )
    yield _git_tree()
    yield from _last_deploy(deployment)
    if deployment.is_local:
        yield _postgres()
        yield _disk(deployment)
        yield _node()
    yield _cloud_interpreter(deployment)


def _git_tree() -> Result:
    """Name the commit and whether the tree differs from it."""
    head = git("rev-parse", "--short", "HEAD")
    if head is None:
        return Result(
            id="preflight.git",
            title="not a git checkout: receipts cannot name a commit",
            status=Status.WARN,
        )
    changed = (git("status", "--porcelain") or "").splitlines()
    state = f"{len(changed)} uncommitted files" if changed else "clean"
    return Result(
        id="preflight.git",
        title=f"commit {head}, {state}",
        status=Status.PASS,
        evidence={"commit": head, "uncommitted": [line[3:] for line in changed[:20]]},
    )


def _last_deploy(deployment: Deployment) -> Iterator[Result]:
    """Say how the last deploy ended, if it did not end well."""
    before = deployment.last_deploy
    if before and not before.is_finished:
        yield Result(
            id="preflight.last-deploy",
            title=f"the deploy of {before.started_at} ended {before.ending} in step"
            f" {before.current}; what it did is looked at again",
            status=Status.WARN,
            evidence={"done": list(before.done), "ended_in": before.current},
        )


def git(*arguments: str) -> str | None:
    """Run git in the repository; ``None`` where git or the checkout is missing."""
    if shutil.which("git") is None:
        return None
    done = subprocess.run(
        ["git", "-C", str(REPOSITORY), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.rstrip() if done.returncode == 0 else None


def _postgres() -> Result:
    """Find the PostgreSQL that the local stack runs."""
    from deploy.local.installation import find_installation

    server = find_installation()
    return Result(
        id="preflight.postgresql",
        title=f"PostgreSQL {server.major} with pg_cron"
        if server.has_cron
        else f"PostgreSQL {server.major} without pg_cron: no job could be scheduled",
        status=Status.PASS if server.has_cron else Status.FAIL,
        evidence={"bindir": str(server.bindir), "pg_cron": server.has_cron},
        remedy=None if server.has_cron else server.install_cron,
    )


def _disk(deployment: Deployment) -> Result:
    """Measure the room below the state folder."""
    folder = deployment.state
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    enough = free >= FREE_BYTES_MIN
    return Result(
        id="preflight.disk",
        title=f"{free / 1024**3:.1f} GiB free for {deployment.state}"
        + ("" if enough else f", below {FREE_BYTES_MIN / 1024**3:.0f} GiB"),
        status=Status.PASS if enough else Status.FAIL,
        evidence={"free_bytes": free, "needed_bytes": FREE_BYTES_MIN},
        remedy=None if enough else "KILOSCALE_STATE=<a larger disk> ./bootstrap deploy",
    )


def _node() -> Result:
    """Say whether the checks of the edge can run."""
    node = shutil.which("node")
    return Result(
        id="preflight.node",
        title="Node.js found" if node else "no Node.js: edge checks will be skipped",
        status=Status.PASS if node else Status.SKIPPED,
        evidence={"node": node},
    )


def _cloud_interpreter(deployment: Deployment) -> Result:
    """Say whether zips for the cloud can be built here; a cloud stack needs it."""
    from deploy.bundles import cloud_target

    try:
        target = cloud_target()
    except DeployError as error:
        if not deployment.is_local:
            raise
        return Result(
            id="preflight.cloud-python",
            title=f"zips for the cloud cannot be built here: {error}",
            status=Status.SKIPPED,
            remedy=error.remedy,
        )
    return Result(
        id="preflight.cloud-python",
        title=f"Python {target.python} compiles the zips for the cloud",
        status=Status.PASS,
        evidence={"interpreter": str(target.interpreter), "platform": target.platform},
    )


STEP = Step(id="preflight", title="look at this machine", run=run)
