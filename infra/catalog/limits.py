"""The limits of the scaling plan: what a user may do, what the plan's tiers hold."""

from dataclasses import dataclass
from typing import Literal

HOUR_S = 3_600
DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """A fixed window that starts with the first hit of a key.

    Attributes:
        name: ``scope`` of the counter in ``kiloscale.rate_limits``.
        hits: Hits that one window admits.
        window_s: Length of the window, in seconds.
        in_store: Whether it is counted in the store that the stack configures
            (``limitStore``); else always in Postgres, in the statement that does the
            work.
        outage: What holds while that store is away: ``postgres`` counts there instead,
            ``memory`` counts in each environment for itself, ``closed`` admits nobody.
    """

    name: str
    hits: int
    window_s: int
    in_store: bool = False
    outage: Literal["postgres", "memory", "closed"] = "closed"


CHAT_MESSAGES = RateLimit(
    name="chat", hits=60, window_s=HOUR_S, in_store=True, outage="postgres"
)
IMAGES = RateLimit(name="images", hits=3, window_s=DAY_S)
MEMORY_EXTRACTIONS = RateLimit(name="extraction", hits=100, window_s=DAY_S)
API_CALLS = RateLimit(
    name="api", hits=1_000, window_s=HOUR_S, in_store=True, outage="memory"
)

RATE_LIMITS: tuple[RateLimit, ...] = (
    CHAT_MESSAGES,
    IMAGES,
    MEMORY_EXTRACTIONS,
    API_CALLS,
)


LIMIT_STORES = ("postgres", "redis", "memory")
"""Where a limit with ``in_store`` may be counted. Postgres is exact across processes;
Redis or Valkey as well, and spares the database; memory counts for each process alone
and is for a single one."""

LLM_DAY_BUDGET_USD = 1.0
"""What language models may cost for a user in a UTC day unless configured otherwise:
some 500 turns of 3,000 tokens with the default model."""


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
