"""How long it takes to provision an emulator with nothing in it, with the real zips.

And how long a plan takes, and a deploy when there is nothing to do, as whole processes.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.infra.emulator import running
from benchmarks.main import Clone, cloned, deployed, noop
from deploy.bench import Figure
from deploy.bundles import Bundle, build_all, host_target
from deploy.emulator.provision import missing, provision
from deploy.errors import DeployError
from infra.catalog.services import SERVICES

RUNS = 3
PROVISION_MAX_S = 10
PLAN_MAX_S = 14

EXAMPLE = "Pulumi.supabase-cloudflare.example.yaml"
PLANNED = "planned"
"""Name of the stack that is planned; no secret of it has to be set for that."""


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the seconds of a first provisioning, and of one with nothing to do.

    Raises:
        DeployError: What was provisioned is not there, or the second run changed it.
    """
    first, second = [], []
    with tempfile.TemporaryDirectory(prefix="ks-zips-") as folder:
        built = build_all(SERVICES, host_target(), Path(folder), progress)
        bundles = {bundle.service: bundle for bundle in built}
        for number in range(1, RUNS + 1):
            load = os.getloadavg()[0]
            progress(f"provisioning, {number} of {RUNS}; load {load:.1f}")
            took = _provisioned(bundles)
            first.append(took[0])
            second.append(took[1])
    yield Figure(
        id="infra.provision_s", value=median(first), unit="s", target=PROVISION_MAX_S
    )
    yield Figure(
        id="infra.provision_again_s", value=median(second), unit="s", target=None
    )
    # As `bench main` does it: in a clone of HEAD, deployed once before.
    with cloned(progress) as clone:
        progress("first deploy in a new clone")
        deployed(clone)
        yield replace(noop(clone, progress), id="infra.noop_s")
        yield Figure(
            id="infra.plan_s",
            value=_planned(clone, progress),
            unit="s",
            target=PLAN_MAX_S,
        )


def _planned(clone: Clone, progress: Callable[[str], None]) -> float:
    """Plan the example with Cloudflare, the slowest; give the median of the seconds."""
    file = clone.repository / f"Pulumi.{PLANNED}.yaml"
    shutil.copyfile(clone.repository / EXAMPLE, file)
    times = []
    for number in range(1, RUNS + 1):
        progress(f"planning, {number} of {RUNS}; load {os.getloadavg()[0]:.1f}")
        began = time.perf_counter()
        ran = clone.run("plan", "--stack", PLANNED, "--json")
        times.append(time.perf_counter() - began)
        if ran.returncode:
            raise DeployError(
                f"the plan of {EXAMPLE} ended with {ran.returncode}:"
                f" {ran.stderr.strip()[-200:]}",
                remedy=f"cp {EXAMPLE} {file.name}, then ./bootstrap plan --stack"
                f" {PLANNED}",
            )
    progress(f"planned in {', '.join(f'{one:.2f} s' for one in times)}")
    return median(times)


def _provisioned(bundles: dict[str, Bundle]) -> tuple[float, float]:
    """Provision twice; give the seconds of both."""

    def quiet(_: str) -> None:
        """Nobody watches: to print would be measured."""

    with running() as stack:
        began = time.perf_counter()
        done = provision(stack, bundles, quiet)
        first = time.perf_counter() - began
        if gone := missing(stack):
            raise DeployError(f"provisioned, and missing: {', '.join(gone)}")
        began = time.perf_counter()
        again = provision(stack, bundles, quiet)
        if again.created or again.updated or not done.created:
            raise DeployError("a second provisioning changed something")
        return first, time.perf_counter() - began
