"""How long the program takes by itself.

Each run is a fresh process: to import the providers is most of the time.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from statistics import median

from benchmarks.infra.program import configuration
from deploy.bench import Figure
from deploy.errors import DeployError
from deploy.paths import REPOSITORY
from infra.policies.leaks import SECRET_KEYS

RUNS = 3
PATIENCE_S = 300

PROGRAM_MAX_S = 3
PROGRAM_CLOUDFLARE_MAX_S = 12

CLOUDFLARE: Mapping[str, str] = {
    "cdn": "worker-cache",
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
    """Yield the seconds of the program, without and with a CDN of Cloudflare.

    Raises:
        DeployError: A run failed.
    """
    yield Figure(
        id="infra.program_s",
        value=_program({}, progress),
        unit="s",
        target=PROGRAM_MAX_S,
    )
    yield Figure(
        id="infra.program_cloudflare_s",
        value=_program(CLOUDFLARE, progress),
        unit="s",
        target=PROGRAM_CLOUDFLARE_MAX_S,
    )


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


def _load() -> float:
    """Give the load average of the last minute."""
    return os.getloadavg()[0]


def _told(times: list[float]) -> str:
    return ", ".join(f"{one:.2f} s" for one in times)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
