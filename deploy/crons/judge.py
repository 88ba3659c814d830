"""Whether one job does what it is declared to do: pure, from what was looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from deploy.checklist import Result, Status
from deploy.crons.schedule import ScheduleError, next_due, previous_due
from deploy.crons.state import (
    CronFacts,
    CronRun,
    InstalledJob,
    RegisteredJob,
    RunLogRow,
    iso,
)
from deploy.crons.sync import differences
from infra.catalog.pg_crons import PgCronJob

EARLY = timedelta(seconds=1)
"""How far a run's start may lie before its due time: two clocks are compared. The mean
start was 0.08 s after it under full load."""

DEPLOY = "./bootstrap deploy --only crons"
CATALOG = "correct it in infra/catalog/pg_crons.py, then " + DEPLOY
ACTIVE = ("starting", "running", "connecting", "sending")
"""States of ``cron.job_run_details.status`` before a run has ended."""


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
    """

    installed: InstalledJob | None = None
    registered: RegisteredJob | None = None
    foreign: InstalledJob | None = None
    runs: tuple[CronRun, ...] = ()
    log: RunLogRow | None = None
    newest_log: RunLogRow | None = None
    dry_run: Mapping[str, object] = field(default_factory=dict)
    dry_run_error: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An outcome, the words for it, and the command that goes on."""

    status: Status
    words: str
    remedy: str | None = None


def zone_of(facts: CronFacts) -> ZoneInfo:
    """Give the time zone in which pg_cron reads schedules.

    Before 1.5 the setting does not exist: what is set under its name has no effect.
    """
    version = (facts.version or "0").replace("-", ".").split(".")
    known = [int(part) for part in version[:2] if part.isdigit()]
    if known >= [1, 5] and facts.timezone and facts.timezone != "GMT":
        return ZoneInfo(facts.timezone)
    return ZoneInfo("UTC")


def judge(job: PgCronJob, seen: JobFacts, facts: CronFacts, now: datetime) -> Result:
    """Judge one job.

    Args:
        job: The declaration.
        seen: What was looked up.
        facts: What there is of pg_cron.
        now: Aware time.
    """
    zone = zone_of(facts)
    try:
        due = next_due(job.schedule, now, zone)
        before = previous_due(job.schedule, now, zone)
    except ScheduleError as error:
        due, before = [], None
        verdict = Verdict(status=Status.FAIL, words=str(error), remedy=CATALOG)
    else:
        verdict = _verdict(job, seen, facts, now, due)
    when = f"next {due[0]:%Y-%m-%d %H:%M} UTC" if due else "never due"
    return Result(
        id=f"crons.{job.name}",
        title=f"{job.schedule:<11}  {when}  {verdict.words}",
        status=verdict.status,
        evidence=_evidence(job, seen, facts, due, before),
        remedy=verdict.remedy,
    )


def _verdict(
    job: PgCronJob, seen: JobFacts, facts: CronFacts, now: datetime, due: list[datetime]
) -> Verdict:
    """Find the first thing that is wrong, else say how far the proof goes."""
    return (
        _installation(job, seen, facts, due)
        or _last_run(job, seen, now)
        or _effect(job, seen)
        or _punctuality(job, seen, facts, now)
    )


def _installation(
    job: PgCronJob, seen: JobFacts, facts: CronFacts, due: list[datetime]
) -> Verdict | None:
    """Check what pg_cron would run, and when."""
    if seen.foreign:
        row = seen.foreign
        return _fail(
            f"the name is taken by job {row.jobid} of role {row.username}, not ours:"
            f" {row.schedule} {row.command}",
            f"if that job may go: select cron.unschedule({row.jobid}); then {DEPLOY}",
        )
    if seen.installed is None:
        return _fail("not installed", DEPLOY)
    wrong = differences(job, seen.installed, facts)
    if wrong:
        return _fail("; ".join(wrong), DEPLOY)
    if not due:
        return _fail("no date ever matches the schedule", CATALOG)
    if seen.dry_run_error:
        return _fail(f"its dry run failed: {seen.dry_run_error}", _migrate())
    return None


def _last_run(job: PgCronJob, seen: JobFacts, now: datetime) -> Verdict | None:
    """Check how the newest run ended, or that it has not run for too long."""
    if not seen.runs:
        return None
    run = seen.runs[0]
    if run.status in ACTIVE:
        if run.start_time is None or now - run.start_time <= _seconds(job.max_run_s):
            return Verdict(status=Status.PENDING, words=f"{run.status} at this moment")
        age_s = (now - run.start_time).total_seconds()
        return _fail(
            f"{run.status} for {age_s:.0f} s, at most {job.max_run_s} s are declared",
            f"select pg_cancel_backend({run.job_pid});",
        )
    if run.status == "succeeded":
        return None
    ended = run.end_time or run.start_time
    words = (
        f"last run {run.runid} {run.status} {iso(ended) or 'at an unknown time'}:"
        f" {run.return_message}"
    )
    by_hand = seen.newest_log
    if by_hand and ended and by_hand.started_at > ended and not by_hand.error:
        return Verdict(status=Status.PENDING, words=f"{words}; by hand it worked since")
    return _fail(words, f"./bootstrap crons.run --job {job.name}")


def _effect(job: PgCronJob, seen: JobFacts) -> Verdict | None:
    """Check what the newest run wrote itself: pg_cron only knows that it ran."""
    if not seen.runs:
        return None
    again = f"./bootstrap crons.run --job {job.name}"
    log = seen.log
    if log is None:
        return _fail("pg_cron says succeeded, the run log has no row of it", again)
    if log.error:
        return _fail(f"its run log says: {log.error}", again)
    if log.finished_at is None:
        return _fail(f"its run log row {log.id} was never finished", again)
    return None


def _punctuality(
    job: PgCronJob, seen: JobFacts, facts: CronFacts, now: datetime
) -> Verdict:
    """Check that the newest due time brought a run, if there was one to bring."""
    last = seen.runs[0].start_time if seen.runs else None
    words = f"last {last:%Y-%m-%d %H:%M} succeeded" if last else "last: not due yet"
    if last and seen.log:
        words += f", {seen.log.rows} rows"
    expected = previous_due(job.schedule, now - _seconds(job.grace_s), zone_of(facts))
    since = seen.registered.registered_at if seen.registered else now
    if expected and expected > since and (last is None or last < expected - EARLY):
        late = now - expected
        return _fail(
            f"overdue since {expected:%Y-%m-%d %H:%M} UTC"
            f" ({late.total_seconds() / 60:.0f} min); {words}",
            "look for pg_cron in the server's log: its launcher may be gone",
        )
    return Verdict(status=Status.PASS if last else Status.PENDING, words=words)


def _fail(words: str, remedy: str) -> Verdict:
    return Verdict(status=Status.FAIL, words=words, remedy=remedy)


def _migrate() -> str:
    return "./bootstrap deploy --only migrations"


def _seconds(count: int) -> timedelta:
    return timedelta(seconds=count)


def _evidence(
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
