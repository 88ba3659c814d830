"""Whether this database has pg_cron, in which version, and how to get it if not."""

from dataclasses import dataclass

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
       current_setting('server_version_num')::int / 10000 as major
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
    """

    version: str | None
    is_available: bool
    cron_database: str | None
    timezone: str | None
    database: str
    role: str
    has_registry: bool
    major: int


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
