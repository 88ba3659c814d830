"""Rate limits: how many hits too many, and how many checks a second.

8 processes with 64 clients each hit the real stores: PostgreSQL with durable settings
and a Redis, both on this machine with all the clients (limit_clients.py). The store in
memory shows what a limit of each process for itself would admit.
"""

from collections.abc import Callable, Iterator
from math import floor

from benchmarks import cluster
from benchmarks.services import redis_server
from benchmarks.services.limit_clients import CLIENTS, PROCESSES, Fleet, Job, Kind, Told
from benchmarks.services.limit_clients import fleet as running_fleet
from deploy.bench import Figure
from deploy.errors import DeployError
from functions.shared.limits import Limit
from infra.catalog.limits import API_CALLS, CHAT_MESSAGES

CHECKS_S_MIN = 2_000

HAMMERED_S = 4
CHECKED_S = 6

CHAT = Limit(scope="chat", hits=CHAT_MESSAGES.hits, window_s=CHAT_MESSAGES.window_s)
API = Limit(scope="api", hits=API_CALLS.hits, window_s=API_CALLS.window_s)
BRIEF = Limit(scope="brief", hits=50, window_s=1)
"""Ends several times in a run: the change of windows must admit nobody twice."""

SUBJECTS = 2
COSTS = (1, 1, 1, 2, 5)
"""Mostly single messages, some voice batches."""

USERS = 20_000
"""Subjects of the rate: so many that nearly all hits are admitted, which is the
expensive answer: it writes."""


def measure(progress: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the figures of the rate limits.

    Raises:
        DeployError: A server does not start, or a client had an error.
    """
    with (
        cluster.running(progress) as database,
        redis_server.running() as redis_url,
        running_fleet(database.url, redis_url) as fleet,
    ):
        yield _over_admission(fleet, progress)
        yield _checks(fleet, progress)


def _over_admission(fleet: Fleet, progress: Callable[[str], None]) -> Figure:
    """Hammer few keys; count the hits beyond the limits."""
    beyond: dict[Kind, int] = {}
    for kind in ("postgres", "redis", "memory"):
        told = fleet.run(
            Job(
                kind=kind,
                limits=(CHAT, API, BRIEF),
                subjects=SUBJECTS,
                costs=COSTS,
                seconds=HAMMERED_S,
            )
        )
        beyond[kind] = _beyond(told)
        progress(
            f"{kind}: {told.checks} checks by {PROCESSES} x {CLIENTS} clients,"
            f" {told.admitted.total()} hits admitted, {beyond[kind]} too many"
        )
    return Figure(
        id="services.over_admission",
        value=beyond["postgres"] + beyond["redis"],
        unit="hits",
        baseline=beyond["memory"],
        target=0,
    )


def _beyond(told: Told) -> int:
    """Count the hits beyond what the windows of the run can have admitted.

    Raises:
        DeployError: A limit was not used up: too little was asked to show anything.
    """
    beyond = 0
    for limit in (CHAT, API, BRIEF):
        # A window begins at least its length after the one before it.
        windows = floor(told.seconds / limit.window_s) + 1
        for subject in range(SUBJECTS):
            admitted = told.admitted[limit.scope, str(subject)]
            if admitted < limit.hits:
                raise DeployError(
                    f"only {admitted} of {limit.hits} hits of {limit.scope} were used"
                )
            beyond += max(admitted - limit.hits * windows, 0)
    return beyond


def _checks(fleet: Fleet, progress: Callable[[str], None]) -> Figure:
    """Hit the limits of many users; count the answers of a second."""
    durable = _rate(fleet, "postgres", waits=True)
    progress(f"postgres, were each commit to wait for the disk: {durable:.0f} checks/s")
    ours = _rate(fleet, "postgres")
    progress(f"postgres: {ours:.0f} checks/s")
    theirs = _rate(fleet, "redis")
    progress(f"redis: {theirs:.0f} checks/s")
    return Figure(
        id="services.limit_checks_s",
        value=ours,
        unit="/s",
        baseline=theirs,
        target=CHECKS_S_MIN,
        at_least=True,
    )


def _rate(fleet: Fleet, kind: Kind, *, waits: bool = False) -> float:
    """Give the checks of a second."""
    scope = f"chat {waits}"  # each run with users who are new to it
    limit = Limit(scope=scope, hits=CHAT.hits, window_s=CHAT.window_s)
    told = fleet.run(
        Job(
            kind=kind,
            limits=(limit,),
            subjects=USERS,
            seconds=CHECKED_S,
            waits=waits,
        )
    )
    return told.checks / told.seconds
