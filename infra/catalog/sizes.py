"""The sizes of a stack: what changes from 1,000 users to 2,000 and to 5,000.

The catalog declares services, queues and limits for `DEFAULT_USERS`. A size says where
it differs from that, and what a stack of that size has to have.

Sources: pooler clients and connections are Supabase's ("Compute and disk", 2026-11).
Concurrency grows with the users: each sends as many messages as before, and a message
takes as long, so that simultaneous invocations grow alike (Little's law). Batches stay:
ten conversations are ten calls of a model in an invocation of 60 s, and more would not
end in time; a longer window fills no batch that is full. Memory stays where it is per
request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from infra.catalog.limits import (
    DATABASE_SIZE,
    GIB,
    INVOCATIONS,
    PLAN_LIMITS,
    REALTIME_CONNECTIONS,
    PlanLimit,
)
from infra.catalog.queues import QUEUES, Queue
from infra.catalog.services import SERVICES, Service

DEFAULT_USERS = 1_000

POOLER_SHARE_LEFT = 0.25
"""Share of the pooler's clients left to the app itself, to PostgREST and to the tasks:
50 of the 200 of the smallest computes."""


@dataclass(frozen=True, kw_only=True)
class Compute:
    """A compute of Supabase.

    Attributes:
        name: As Supabase calls it.
        pooler_clients: Clients that its shared pooler takes.
    """

    name: str
    pooler_clients: int


COMPUTES = (
    Compute(name="Micro", pooler_clients=200),
    Compute(name="Small", pooler_clients=400),
    Compute(name="Medium", pooler_clients=600),
    Compute(name="Large", pooler_clients=800),
    Compute(name="XL", pooler_clients=1_000),
)
MICRO, SMALL, MEDIUM, *_ = COMPUTES


@dataclass(frozen=True, kw_only=True)
class ServiceScale:
    """What a size changes of a service; ``None`` leaves the catalog's value.

    Attributes:
        concurrency: Most simultaneous invocations.
        memory_mib: Memory of one invocation, in MiB.
    """

    concurrency: int | None = None
    memory_mib: int | None = None


@dataclass(frozen=True, kw_only=True)
class QueueScale:
    """What a size changes of a queue; ``None`` leaves the catalog's value.

    Attributes:
        batch_size: Messages handed over in one invocation.
        window_s: Longest wait to fill a batch, in seconds.
    """

    batch_size: int | None = None
    window_s: int | None = None


@dataclass(frozen=True, kw_only=True)
class Size:
    """What a stack for so many users is made of.

    Attributes:
        users: Value of the key ``users``.
        compute: The smallest compute that it is meant for.
        limits: Limits of the plan that it is meant for, by name.
        of_services: What differs from the catalog, by folder.
        of_queues: What differs from the catalog, by name. A queue's simultaneous
            invocations are always its consumer's.
        needs_redis: Whether limits must be counted in Redis or Valkey (scaling plan,
            "When approaching 2000 users"): each request of every user is otherwise a
            write to the one primary.
        recommends_replica: Whether history should be read from a replica (the same).
    """

    users: int
    compute: Compute
    limits: Mapping[str, int]
    of_services: Mapping[str, ServiceScale] = field(default_factory=dict)
    of_queues: Mapping[str, QueueScale] = field(default_factory=dict)
    needs_redis: bool = False
    recommends_replica: bool = False

    @property
    def services(self) -> tuple[Service, ...]:
        """The services as this size runs them."""
        return tuple(
            replace(each, **_changes(self.of_services.get(each.folder)))
            for each in SERVICES
        )

    @property
    def queues(self) -> tuple[Queue, ...]:
        """The queues as this size runs them."""
        concurrency = {each.folder: each.concurrency for each in self.services}
        return tuple(
            replace(
                each,
                **_changes(self.of_queues.get(each.name)),
                max_concurrency=concurrency[each.consumer],
            )
            for each in QUEUES
        )

    @property
    def pooler_clients_used(self) -> int:
        """Connections to the pooler when every service is as busy as it may be."""
        return sum(each.concurrency for each in self.services)

    @property
    def reserved_concurrency(self) -> int:
        """Executions set aside with ``reserveConcurrency``: what no queue bounds."""
        bounded = {each.consumer for each in self.queues}
        unbound = [each for each in self.services if each.folder not in bounded]
        return sum(each.concurrency for each in unbound)

    def plan_limits(self, **others: int) -> tuple[PlanLimit, ...]:
        """Give the limits of the plan; they alert at the same share at each size.

        Args:
            others: Limits that a stack's own plan has, by name; 0 takes the size's.
        """
        return tuple(
            _at(each, others.get(each.name) or self.limits[each.name])
            for each in PLAN_LIMITS
        )


def usable_clients(pooler_clients: int) -> int:
    """Give how many clients of a pooler the services may be.

    >>> usable_clients(200)
    150
    """
    return int(pooler_clients * (1 - POOLER_SHARE_LEFT))


def _at(quota: PlanLimit, limit: int) -> PlanLimit:
    """Give a limit another value; it alerts at the same share."""
    return replace(quota, limit=limit, alert_at=quota.alert_at * limit // quota.limit)


def _changes(scale: ServiceScale | QueueScale | None) -> dict[str, Any]:
    """Give what a scale changes."""
    values = vars(scale) if scale else {}
    return {name: value for name, value in values.items() if value is not None}


_PLAN = {each.name: each.limit for each in PLAN_LIMITS}

# Beyond 1,000 users the plan names no limits. The database has 8 GB of disk included
# and grows on demand; 500 realtime connections are included and more are bought
# (Supabase pricing, Pro, 2026-11). Invocations cost 0.20 USD a million (AWS Lambda
# pricing, 2026-11): the limit is what the same users did, times their number. Each can
# be set: planDatabaseGib, planInvocations, planRealtimeConnections.
THOUSAND = Size(users=DEFAULT_USERS, compute=MICRO, limits=_PLAN)
TWO_THOUSAND = Size(
    users=2_000,
    compute=SMALL,
    limits={
        DATABASE_SIZE.name: 16 * GIB,
        INVOCATIONS.name: 2_000_000,
        REALTIME_CONNECTIONS.name: 1_000,
    },
    of_services={
        "chat_send": ServiceScale(concurrency=80),
        "llm_handler": ServiceScale(concurrency=20),
        "extract_memory": ServiceScale(concurrency=8),
        "compress_image": ServiceScale(concurrency=4),
        "read_history": ServiceScale(concurrency=40),
    },
    needs_redis=True,
    recommends_replica=True,
)
FIVE_THOUSAND = Size(
    users=5_000,
    compute=MEDIUM,
    limits={
        DATABASE_SIZE.name: 40 * GIB,
        INVOCATIONS.name: 5_000_000,
        REALTIME_CONNECTIONS.name: 2_500,
    },
    of_services={
        "chat_send": ServiceScale(concurrency=200),
        # One sweep, whatever the size: a second one would skip what the first one has
        # locked. After an outage it finds five times the rows in the same 50 s, and
        # Lambda gives CPU by memory (developer guide, "Configure memory": 1,769 MB are
        # a whole one).
        "relay_outbox": ServiceScale(memory_mib=512),
        "llm_handler": ServiceScale(concurrency=50),
        "extract_memory": ServiceScale(concurrency=20),
        "compress_image": ServiceScale(concurrency=10),
        "read_history": ServiceScale(concurrency=100),
    },
    needs_redis=True,
    recommends_replica=True,
)

SIZES: dict[int, Size] = {
    each.users: each for each in (THOUSAND, TWO_THOUSAND, FIVE_THOUSAND)
}
