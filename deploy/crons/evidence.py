"""What was looked up for a job, and the form in which it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from deploy.crons.presence import CronFacts
from deploy.crons.state import (
    CronRun,
    InstalledJob,
    RegisteredJob,
    RunLogRow,
    iso,
)
from infra.catalog.pg_crons import PgCronJob


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """What was looked up for one declared job.

    Attributes:
        installed: Our row of ``cron.job``; ``None`` if there is none.
        registered: Its registration; ``None`` if it is not ours.
        foreign: A row of the same name that is not ours.
        runs: Its newest runs since the registration, newest first.
        log: What its newest run that has ended wrote to the run log.
        newest_log: The newest row of the run log, by hand or by pg_cron.
        dry_run: The row that its probe gave.
        dry_run_error: What the probe failed with.
        all_runs: When runs of any job of ours started, ascending.
    """

    installed: InstalledJob | None = None
    registered: RegisteredJob | None = None
    foreign: InstalledJob | None = None
    runs: tuple[CronRun, ...] = ()
    log: RunLogRow | None = None
    newest_log: RunLogRow | None = None
    dry_run: Mapping[str, object] = field(default_factory=dict)
    dry_run_error: str | None = None
    all_runs: tuple[datetime, ...] = ()


def zone_of(facts: CronFacts) -> ZoneInfo:
    """Give the time zone in which pg_cron reads schedules.

    Before 1.5 the setting does not exist: what is set under its name has no effect.
    """
    version = (facts.version or "0").replace("-", ".").split(".")
    known = [int(part) for part in version[:2] if part.isdigit()]
    if known >= [1, 5] and facts.timezone and facts.timezone != "GMT":
        return ZoneInfo(facts.timezone)
    return ZoneInfo("UTC")


def evidence(
    job: PgCronJob,
    seen: JobFacts,
    facts: CronFacts,
    due: list[datetime],
    before: datetime | None,
) -> dict[str, object]:
    """Give everything that was looked at."""
    row = seen.installed
    run = seen.runs[0] if seen.runs else None
    log = seen.log or seen.newest_log
    return {
        "purpose": job.purpose,
        "declared": {"schedule": job.schedule, "command": job.command},
        "installed": row is not None,
        "jobid": row.jobid if row else None,
        "database": row.database if row else None,
        "role": row.username if row else None,
        "active": row.active if row else None,
        "schedule_equal": row is not None and row.schedule == job.schedule,
        "command_equal": row is not None and row.command == job.command,
        "timezone": str(zone_of(facts)),
        "next_due_utc": [iso(moment) for moment in due],
        "next_due_local": [iso(moment.astimezone()) for moment in due],
        "previous_due_utc": iso(before),
        "registered_at": iso(
            seen.registered.registered_at if seen.registered else None
        ),
        "server_started_at": iso(facts.server_started_at),
        "launcher_started_at": iso(facts.launcher_started_at),
        "last_run": None
        if run is None
        else {
            "runid": run.runid,
            "status": run.status,
            "return_message": run.return_message,
            "start_time": iso(run.start_time),
            "end_time": iso(run.end_time),
        },
        "run_log": log.evidence() if log else None,
        "dry_run": dict(seen.dry_run),
    }
