"""The limits of the scaling plan: what a user may do, what the plan's tiers hold."""

from dataclasses import dataclass

HOUR_S = 3_600
DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """A fixed window that starts with the first hit of a key.

    Attributes:
        name: ``scope`` of the counter in ``kiloscale.rate_limits``.
        hits: Hits that one window admits.
        window_s: Length of the window, in seconds.
    """

    name: str
    hits: int
    window_s: int


CHAT_MESSAGES = RateLimit(name="chat", hits=60, window_s=HOUR_S)
IMAGES = RateLimit(name="images", hits=3, window_s=DAY_S)
MEMORY_EXTRACTIONS = RateLimit(name="extraction", hits=100, window_s=DAY_S)
API_CALLS = RateLimit(name="api", hits=1_000, window_s=HOUR_S)

RATE_LIMITS: tuple[RateLimit, ...] = (
    CHAT_MESSAGES,
    IMAGES,
    MEMORY_EXTRACTIONS,
    API_CALLS,
)


@dataclass(frozen=True, kw_only=True)
class PlanLimit:
    """A quota of the hosting plan and the share of it that raises an alert.

    Attributes:
        name: Key in the report of ``health_check``.
        limit: The quota, in ``unit``.
        alert_at: The value above which to alert, in ``unit``.
        unit: ``bytes``, ``invocations`` a month or ``connections``.
    """

    name: str
    limit: int
    alert_at: int
    unit: str


GIB = 1024**3

# Values of the scaling plan ("Set Up Alerts"): 75 % of 8 GB, 75 % of 1 M, 80 % of 500.
DATABASE_SIZE = PlanLimit(
    name="database_bytes", limit=8 * GIB, alert_at=6 * GIB, unit="bytes"
)
INVOCATIONS = PlanLimit(
    name="invocations_month", limit=1_000_000, alert_at=750_000, unit="invocations"
)
REALTIME_CONNECTIONS = PlanLimit(
    name="realtime_connections", limit=500, alert_at=400, unit="connections"
)

PLAN_LIMITS: tuple[PlanLimit, ...] = (DATABASE_SIZE, INVOCATIONS, REALTIME_CONNECTIONS)
