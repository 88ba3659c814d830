"""Whether this database has pg_cron, in which version, and how to get it if not."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import TupleRow, class_row

from deploy.errors import DeployError

FACTS = """
select (select extversion from pg_extension where extname = 'pg_cron') as version,
       exists (select from pg_available_extensions where name = 'pg_cron')
           as is_available,
       -- current_setting() fails where the role may not read all settings.
       (select setting from pg_settings where name = 'cron.database_name')
           as cron_database,
       (select setting from pg_settings where name = 'cron.timezone') as timezone,
       current_database()::text as database,
       current_user::text as role,
       to_regclass('kiloscale.cron_registry') is not null as has_registry,
       current_setting('server_version_num')::int / 10000 as major,
       pg_postmaster_start_time() as server_started_at,
       -- NULL for a role that may not see the sessions of others.
       (select max(backend_start) from pg_stat_activity
         where application_name = 'pg_cron scheduler'
            or backend_type = 'pg_cron launcher') as launcher_started_at
"""


@dataclass(frozen=True, kw_only=True)
class CronFacts:
    """What there is of pg_cron, and who asks.

    Attributes:
        version: Of the extension in this database; ``None`` if it is not there.
        is_available: Whether the server has its files.
        cron_database: The one database of the server in which it may be created;
            ``None`` if it is not loaded or we may not know.
        timezone: In which it reads schedules, since 1.5; earlier it is GMT.
        database: The database that was asked.
        role: The role that asked.
        has_registry: Whether the migrations made our registry.
        major: Major version of PostgreSQL.
        server_started_at: When the server started.
        launcher_started_at: When pg_cron's launcher started, which may be later: it
            ends with any crash. ``None`` if there is none or we may not know.
    """

    version: str | None
    is_available: bool
    cron_database: str | None
    timezone: str | None
    database: str
    role: str
    has_registry: bool
    major: int
    server_started_at: datetime
    launcher_started_at: datetime | None

    @property
    def running_since(self) -> datetime:
        """Give the time before which nothing was started."""
        launcher = self.launcher_started_at or self.server_started_at
        return max(self.server_started_at, launcher)


def cron_facts(conn: psycopg.Connection[TupleRow]) -> CronFacts:
    """Ask what there is of pg_cron."""
    with conn.cursor(row_factory=class_row(CronFacts)) as cursor:
        return cursor.execute(FACTS).fetchall()[0]


def require_pg_cron(facts: CronFacts) -> None:
    """Refuse a database without pg_cron.

    Raises:
        DeployError: Says which database has it, or how to get it.
    """
    if facts.version is None:
        reason, remedy = missing(facts)
        raise DeployError(f"{reason}: no job can be scheduled", remedy=remedy)


def missing(facts: CronFacts) -> tuple[str, str]:
    """Say why pg_cron is not in this database, and the command that mends it."""
    if facts.cron_database and facts.cron_database != facts.database:
        reason = (
            f"pg_cron belongs to database {facts.cron_database}, this is"
            f" {facts.database}"
        )
        remedy = (
            f"use database {facts.cron_database}, or set cron.database_name ="
            f" '{facts.database}' in postgresql.conf and restart PostgreSQL"
        )
    elif facts.is_available:
        reason = f"pg_cron is not created in database {facts.database}"
        remedy = "create extension pg_cron; (on Supabase: Database, Extensions)"
    else:
        reason = "pg_cron is not installed on the server"
        remedy = (
            f"apt-get install postgresql-{facts.major}-cron; then in postgresql.conf"
            f" shared_preload_libraries = 'pg_cron' and cron.database_name ="
            f" '{facts.database}'; restart; create extension pg_cron;"
        )
    return reason, remedy
