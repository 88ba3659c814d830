"""How large a stack is, and whether what it has is enough for that."""

from dataclasses import dataclass

from infra.catalog.limits import (
    DATABASE_SIZE,
    GIB,
    INVOCATIONS,
    REALTIME_CONNECTIONS,
    PlanLimit,
)
from infra.catalog.queues import Queue
from infra.catalog.services import Service
from infra.catalog.sizes import COMPUTES, DEFAULT_USERS, SIZES, Size, usable_clients
from infra.config_values import Values

USERS_KEY, CLIENTS_KEY, REPLICA_KEY = "users", "poolerClients", "databaseReplicaUrl"
STORE_KEY = "limitStore"

CLIENTS_MAX = 20_000
DATABASE_GIB_MAX = 61_440
"""60 TB, the largest disk of Supabase ("Database size", 2026-11)."""

INVOCATIONS_MAX = 10_000_000_000
REALTIME_MAX = 100_000


@dataclass(frozen=True, kw_only=True)
class StackSize:
    """The size of a stack.

    Attributes:
        size: What the catalog has for so many users.
        pooler_clients: Clients that the stack's own pooler takes.
        limits: Limits of the stack's own plan.
    """

    size: Size
    pooler_clients: int
    limits: tuple[PlanLimit, ...]

    @property
    def services(self) -> tuple[Service, ...]:
        """The services as this stack runs them."""
        return self.size.services

    @property
    def queues(self) -> tuple[Queue, ...]:
        """The queues as this stack runs them."""
        return self.size.queues

    @classmethod
    def read(cls, values: Values) -> "StackSize":
        """Read the keys that say how large the stack is, and check that they fit."""
        users = values.number(USERS_KEY, list(SIZES))
        size = SIZES.get(users, SIZES[DEFAULT_USERS])
        clients = values.integer(CLIENTS_KEY, 0, CLIENTS_MAX)
        _check_clients(values, size, clients)
        limits = size.plan_limits(
            **{
                DATABASE_SIZE.name: GIB
                * values.integer("planDatabaseGib", 0, DATABASE_GIB_MAX),
                INVOCATIONS.name: values.integer("planInvocations", 0, INVOCATIONS_MAX),
                REALTIME_CONNECTIONS.name: values.integer(
                    "planRealtimeConnections", 0, REALTIME_MAX
                ),
            }
        )
        return cls(
            size=size,
            pooler_clients=clients or size.compute.pooler_clients,
            limits=limits,
        )


def _check_clients(values: Values, size: Size, clients: int) -> None:
    """Refuse a size whose services are more clients than the pooler takes."""
    has, needs = clients or size.compute.pooler_clients, size.pooler_clients_used
    if needs <= usable_clients(has):
        return
    enough = [each for each in COMPUTES if usable_clients(each.pooler_clients) >= needs]
    takes = f"; take compute {enough[0].name} or larger" if enough else ""
    values.problem(
        CLIENTS_KEY if clients else USERS_KEY,
        f"its services are up to {needs} clients of the pooler at users {size.users},"
        f" and of {has} it may take {usable_clients(has)} (a quarter is the app's)"
        f"{takes}",
    )


def check_needs(
    values: Values, size: Size, *, limit_store: str, has_replica: bool
) -> None:
    """Refuse a size without what it needs; warn of what it should have.

    Args:
        values: The stack's values.
        size: The size.
        limit_store: Where requests are counted.
        has_replica: Whether there is a read replica.
    """
    if size.needs_redis and limit_store != "redis":
        values.problem(
            STORE_KEY,
            f"users {size.users} needs redis, got {limit_store}: else every request is"
            f" a write to the primary; run `pulumi config set {STORE_KEY} redis`",
        )
    if has_replica and limit_store == "postgres":
        values.warn(
            REPLICA_KEY,
            f"spares the primary nothing while {STORE_KEY} is postgres, which counts a"
            " user's request in the statement that reads the page; run"
            f" `pulumi config set {STORE_KEY} redis`",
        )
    if size.recommends_replica and not has_replica:
        values.warn(
            REPLICA_KEY,
            f"missing; with users {size.users} a read replica should answer for the"
            f" history, run `pulumi config set --secret {REPLICA_KEY}`",
        )
