"""Since when the server counts the use of tables and indexes, and who else has uses."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.inspection.access import Connection, facts

# stats_reset of a database is empty until somebody resets it. From PostgreSQL 15 on
# counters survive a restart, not a crash, and a crash sets the time of those of the
# whole server (pg_stat_bgwriter): the later of the two is the age at least.
READ = """
select now() as now,
       (select d.stats_reset from pg_stat_database d
         where d.datname = current_database()) as reset_at,
       (select b.stats_reset from pg_stat_bgwriter b) as server_since,
       pg_postmaster_start_time() as started_at,
       (select count(*) from pg_stat_replication r) as replicas,
       (select count(*) from pg_replication_slots s
         where s.slot_type = 'physical') as physical_slots,
       pg_is_in_recovery() as is_replica
"""


@dataclass(frozen=True, kw_only=True)
class Counters:
    """How far the statistics can be trusted.

    Attributes:
        now: The server's time.
        reset_at: When somebody reset those of this database.
        server_since: Since when the server has any.
        started_at: When the server started.
        replicas: Receivers that are attached: replicas and logical subscribers.
        physical_slots: Slots of replicas, attached or not.
        is_replica: Whether this server is itself a replica.
    """

    now: datetime
    reset_at: datetime | None
    server_since: datetime | None
    started_at: datetime
    replicas: int = 0
    physical_slots: int = 0
    is_replica: bool = False

    @property
    def since(self) -> datetime:
        """Since when the counters count, at the latest."""
        known = [time for time in (self.reset_at, self.server_since) if time]
        return max(known, default=self.started_at)

    @property
    def age(self) -> timedelta:
        """How long the counters have counted, at least."""
        return self.now - self.since

    @property
    def has_replicas(self) -> bool:
        """Whether queries may run on a server whose counters are not seen here."""
        return bool(self.replicas or self.physical_slots or self.is_replica)

    def as_evidence(self) -> dict[str, object]:
        """Give what was seen."""
        return {
            "counted_since": self.since.isoformat(),
            "stats_reset": self.reset_at.isoformat() if self.reset_at else None,
            "server_started": self.started_at.isoformat(),
            "replicas_attached": self.replicas,
            "physical_slots": self.physical_slots,
        }


def read(connection: Connection) -> Counters:
    """Read the age of the statistics."""
    return facts(connection, Counters, READ)[0]
