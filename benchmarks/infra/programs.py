"""How long the program takes by itself, and how long a plan takes without the engine.

Each run is a fresh process: to import the providers is most of the time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median

from benchmarks.infra.program import configuration
from deploy.bench import Figure
from deploy.errors import DeployError
from deploy.paths import REPOSITORY, STATE_VARIABLE
from infra.naming import PROJECT
from infra.policies.leaks import SECRET_KEYS

RUNS = 3
PATIENCE_S = 300

PROGRAM_MAX_S = 3
PROGRAM_CLOUDFLARE_MAX_S = 12
PLAN_MAX_S = 14

CDN = "cdn"
CLOUDFLARE: Mapping[str, str] = {
    CDN: "worker-cache",
    "cdnDomain": "cdn.example.com",
    "cloudflareAccountId": "a" * 32,
    "cloudflareZoneId": "b" * 32,
    "purgeKey": "p6" * 20,
}
"""What a stack with a CDN of Cloudflare configures."""

# In the child: the whole program under mocks, from the start of the interpreter on.
PROGRAM = """
import json, sys
from deploy.planning.recording import record
given = json.load(sys.stdin)
found = record(given["config"], given["secrets"], stack="test")
print(len(found.resources))
"""


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the seconds of the program, and of a plan where there is the task.

    Raises:
        DeployError: A run failed.
    """
    yield Figure(
        id="infra.program_s",
        value=_program({}, progress),
        unit="s",
        target=PROGRAM_MAX_S,
    )
    if _knows(CDN):
        yield Figure(
            id="infra.program_cloudflare_s",
            value=_program(CLOUDFLARE, progress),
            unit="s",
            target=PROGRAM_CLOUDFLARE_MAX_S,
        )
    else:
        progress(f"infra.program_cloudflare_s is left out: no key {CDN} is known")
    if _has_task("plan"):
        yield Figure(
            id="infra.plan_s", value=_plan(progress), unit="s", target=PLAN_MAX_S
        )
    else:
        progress("infra.plan_s is left out: there is no task plan")


def _program(changes: Mapping[str, str], progress: Callable[[str], None]) -> float:
    """Run the program in fresh processes; give the median of their seconds."""
    given = {"config": configuration(changes), "secrets": sorted(SECRET_KEYS)}
    times = []
    for number in range(1, RUNS + 1):
        progress(f"running the program, {number} of {RUNS}; load {_load():.1f}")
        began = time.perf_counter()
        ran = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=REPOSITORY,
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        times.append(time.perf_counter() - began)
        if ran.returncode:
            raise DeployError(f"the program failed: {_last(ran.stderr)}")
    progress(f"{ran.stdout.strip()} resources in {_told(times)}")
    return median(times)


def _plan(progress: Callable[[str], None]) -> float:
    """Plan the example of a production stack, whole processes; give the median."""
    times = []
    with tempfile.TemporaryDirectory(prefix="ks-plan-") as folder:
        environment = {**os.environ, STATE_VARIABLE: str(Path(folder) / "state")}
        for number in range(1, RUNS + 1):
            progress(f"planning, {number} of {RUNS}; load {_load():.1f}")
            began = time.perf_counter()
            ran = subprocess.run(
                ["./bootstrap", "plan", "--stack", "local", "--json"],
                cwd=REPOSITORY,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            times.append(time.perf_counter() - began)
            # 6 says that there are changes, as there are before a first deploy.
            if ran.returncode not in {0, 6}:
                raise DeployError(
                    f"the plan ended with {ran.returncode}:"
                    f" {_last(ran.stderr or ran.stdout)}",
                    remedy="./bootstrap plan --stack local",
                )
    progress(f"planned in {_told(times)}")
    return median(times)


def _knows(key: str) -> bool:
    """Whether `StackConfig` reads a key."""
    from benchmarks.infra.program import record
    from infra.config import StackConfig
    from infra.config_values import ConfigError

    def only_read() -> dict[str, object]:
        StackConfig.load()
        return {}

    try:
        record(only_read, changes={key: "no such value"})
    except ConfigError as error:
        return f"{PROJECT}:{key}: unknown" not in str(error)
    return True


def _has_task(name: str) -> bool:
    """Whether there is a task of a name."""
    ran = subprocess.run(
        ["./bootstrap", "--list"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return any(line.split()[:1] == [name] for line in ran.stdout.splitlines())


def _load() -> float:
    """Give the load average of the last minute."""
    return os.getloadavg()[0]


def _told(times: list[float]) -> str:
    return ", ".join(f"{one:.2f} s" for one in times)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
