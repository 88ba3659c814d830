"""What the CDN saves of the scaling plan's 600 MB a day, and how true that is.

The made workload of ``cdn.simulate``, four weeks of it, with and without the CDN; and a
part of it replayed through the production Worker in workerd, whose hits the simulation
must have foreseen. Compression counts with the plan's estimate, half of a raster
image's bytes: what compress_image saves of its corpus is a figure of its own
(``images.bytes_saved``).
"""

from collections.abc import Callable, Iterator

from deploy.bench import Figure
from deploy.cdn.simulation.making import made
from deploy.cdn.simulation.plans import PLANS
from deploy.cdn.simulation.replay import ERROR_MAX_POINTS, replay
from deploy.cdn.simulation.result import simulate
from deploy.cdn.simulation.settings import COMPRESSED_SHARE, Settings

SEED, DAYS = 42, 28
MB_DAY_MAX, COMPRESSED_MB_DAY_MAX = 180.0, 100.0


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield what Supabase sends in a day, and the simulation's error.

    Raises:
        UnavailableError: There is no Node.js, or npm cannot install workerd.
        DeployError: workerd does not start.
    """
    traffic = made(SEED, DAYS)
    found = simulate(
        traffic,
        Settings(),
        PLANS["pro"],
        COMPRESSED_SHARE,
        progress,
        with_others=False,
    )
    for name, variant, most in (
        ("edge.origin_mb_day", "cdn", MB_DAY_MAX),
        ("edge.origin_mb_day_compressed", "both", COMPRESSED_MB_DAY_MAX),
    ):
        yield Figure(
            id=name,
            value=found.mb_day(variant),
            unit="MB",
            baseline=found.mb_day("today"),
            target=most,
        )
    seen = replay(traffic, Settings(), progress)
    yield Figure(
        id="edge.simulation_error_points",
        value=seen.error_points,
        unit="points",
        target=ERROR_MAX_POINTS,
    )
    yield Figure(
        id="edge.simulation_requests",
        value=seen.requests,
        unit="requests",
        target=None,
        baseline=seen.of,
    )
