"""Whether one job does what it is declared to do: pure, from what was looked up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.checklist import Result, Status
from deploy.crons import downtime
from deploy.crons.compare import differences
from deploy.crons.evidence import JobFacts, evidence, zone_of
from deploy.crons.masking import masked
from deploy.crons.presence import CronFacts
from deploy.crons.schedule import ScheduleError, next_due, previous_due
from deploy.crons.state import iso
from infra.catalog.pg_crons import PgCronJob

DEPLOY = "./bootstrap deploy --only crons"
CATALOG = "correct its schedule in infra/catalog/pg_crons.py, then deploy again"
ACTIVE = ("starting", "running", "connecting", "sending")
"""States of ``cron.job_run_details.status`` before a run has ended."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """An outcome, the words for it, and the command that goes on."""

    status: Status
    words: str
    remedy: str | None = None


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
    when = f"next {_both_zones(due[0])}" if due else "never due"
    return Result(
        id=f"crons.{job.name}",
        title=f"{job.schedule:<11}  {when}  {verdict.words}",
        status=verdict.status,
        evidence=evidence(job, seen, facts, due, before),
        remedy=verdict.remedy,
    )


def _both_zones(moment: datetime) -> str:
    """Show a time in UTC, and as this machine shows it if that is another one."""
    local = moment.astimezone()
    shown = f"{moment:%Y-%m-%d %H:%M} UTC"
    return shown if not local.utcoffset() else f"{shown} ({local:%H:%M %Z})"


def _verdict(
    job: PgCronJob, seen: JobFacts, facts: CronFacts, now: datetime, due: list[datetime]
) -> Verdict:
    """Find the first thing that is wrong, else say how far the proof goes."""
    return (
        _installation(job, seen, facts, due)
        or _last_run(job, seen, facts, now)
        or _effect(job, seen)
        or _punctuality(job, seen, facts, now)
    )


def _installation(
    job: PgCronJob, seen: JobFacts, facts: CronFacts, due: list[datetime]
) -> Verdict | None:
    """Check what pg_cron would run, and when."""
    if seen.foreign and seen.installed:
        row = seen.foreign
        return _fail(
            f"job {row.jobid} of role {row.username} has the same name and runs as"
            f" well: {row.schedule} {masked(row.command)}",
            f"as role {row.username}: select cron.unschedule({row.jobid});",
        )
    if seen.foreign:
        row = seen.foreign
        return _fail(
            f"the name is taken by job {row.jobid} of role {row.username}, not ours:"
            f" {row.schedule} {masked(row.command)}",
            f"./bootstrap crons.adopt --job {job.name}",
        )
    if seen.installed is None:
        return _fail("not installed", DEPLOY)
    wrong = differences(job, seen.installed, facts)
    if wrong:
        return _fail("; ".join(wrong), DEPLOY)
    if not due:
        return _fail("no date ever matches the schedule", CATALOG)
    if seen.dry_run_error:
        return _fail(
            f"its dry run failed: {seen.dry_run_error}",
            "./bootstrap deploy --only migrations",
        )
    return None


def _last_run(
    job: PgCronJob, seen: JobFacts, facts: CronFacts, now: datetime
) -> Verdict | None:
    """Check how the newest run ended, or that it has not run for too long."""
    if not seen.runs:
        return None
    run = seen.runs[0]
    # The process id of a run that a stop cut off may be another session's by then.
    cut_off = run.start_time is not None and run.start_time < facts.server_started_at
    if run.status in ACTIVE and not cut_off:
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
    if ended and _worked_since(seen, ended):
        return Verdict(status=Status.PENDING, words=f"{words}; by hand it worked since")
    return _fail(words, _by_hand(job))


def _effect(job: PgCronJob, seen: JobFacts) -> Verdict | None:
    """Check what the newest run wrote itself: pg_cron only knows that it ran."""
    if not seen.runs:
        return None
    again = _by_hand(job)
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
    registered = seen.registered.registered_at if seen.registered else now
    gone = downtime.missed(
        job,
        zone_of(facts),
        facts,
        since=max(last, registered) if last else registered,
        until=now - _seconds(job.grace_s),
        all_runs=seen.all_runs,
    )
    if gone.unexplained:
        late_s = (now - gone.unexplained).total_seconds()
        return _fail(
            f"overdue since {gone.unexplained:%Y-%m-%d %H:%M} UTC"
            f" ({late_s / 60:.0f} min); {words}",
            "look for pg_cron in the server's log: its launcher may be gone",
        )
    if gone.stopped:
        return _missed(job, seen, facts, gone.stopped, words if last else "no run yet")
    return Verdict(status=Status.PASS if last else Status.PENDING, words=words)


def _missed(
    job: PgCronJob,
    seen: JobFacts,
    facts: CronFacts,
    due: tuple[datetime, ...],
    words: str,
) -> Verdict:
    """Say that nobody was there when a job was due: pg_cron does not catch up."""
    who = "the server"
    if facts.running_since > facts.server_started_at + downtime.READY:
        who = "pg_cron's launcher"
    more = f" and {len(due) - 1} before it" if len(due) > 1 else ""
    words = (
        f"missed {due[0]:%Y-%m-%d %H:%M} UTC{more}: {who} started at"
        f" {facts.running_since:%Y-%m-%d %H:%M} UTC; {words}"
    )
    if not _worked_since(seen, due[0]):
        return Verdict(status=Status.PENDING, words=words, remedy=_by_hand(job))
    return Verdict(
        # That pg_cron starts the job is proven by a run of its own only.
        status=Status.PASS if seen.runs else Status.PENDING,
        words=f"{words}; by hand it worked since",
    )


def _worked_since(seen: JobFacts, moment: datetime) -> bool:
    """Whether somebody ran the job by hand after a moment, to a good end."""
    log = seen.newest_log
    return bool(log and log.started_at > moment and log.finished_at and not log.error)


def _by_hand(job: PgCronJob) -> str:
    return f"./bootstrap crons.run --job {job.name}"


def _fail(words: str, remedy: str) -> Verdict:
    return Verdict(status=Status.FAIL, words=words, remedy=remedy)


def _seconds(count: int) -> timedelta:
    return timedelta(seconds=count)
