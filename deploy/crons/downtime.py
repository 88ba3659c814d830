"""Due times that brought no run: those that a stop explains, and those that none does.

pg_cron never catches up on a due time at which the server or its launcher was away.
Nobody records when a server stopped. But a job that runs each hour leaves a trace:
where the server ran jobs both before and after a due time, it was up, and dropped this
one.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from deploy.crons.presence import CronFacts
from deploy.crons.schedule import previous_due
from infra.catalog.pg_crons import PgCronJob

EARLY = timedelta(seconds=1)
"""How far a run's start may lie before its due time: two clocks are compared. The mean
start was 0.08 s after it under full load."""

READY = timedelta(seconds=60)
"""How long after its start a server may not run jobs yet: recovery, and pg_cron begins
at the next full minute."""

NEIGHBOUR = timedelta(minutes=70)
"""How near to a due time another run must be to say that the server was up: the job
that runs most often runs each hour."""

MOST = 1_000
"""Due times that are looked at; 14 days of an hourly job are 336."""


@dataclass(frozen=True, kw_only=True)
class Missed:
    """The due times since a job's last run that brought none.

    Attributes:
        unexplained: The newest one at which the server was up; ``None`` if there is
            none.
        stopped: Those at which it was away, as far as can be known; newest first.
    """

    unexplained: datetime | None
    stopped: tuple[datetime, ...]


def missed(
    job: PgCronJob,
    zone: ZoneInfo,
    facts: CronFacts,
    *,
    since: datetime,
    until: datetime,
    all_runs: Sequence[datetime],
) -> Missed:
    """Sort the due times without a run.

    Args:
        job: The declaration.
        zone: In which pg_cron reads the schedule.
        facts: Hold when the server, and its launcher, started.
        since: The last run's start, or the registration: what was due before is done.
        until: Due times after this are within the grace.
        all_runs: When runs of any job of ours started, ascending.
    """
    ready = facts.running_since + READY
    stopped: list[datetime] = []
    due = previous_due(job.schedule, until, zone)
    while due and due - EARLY > since and len(stopped) < MOST:
        if due > ready or _was_up(due, facts.running_since, all_runs):
            return Missed(unexplained=due, stopped=tuple(stopped))
        stopped.append(due)
        due = previous_due(job.schedule, due, zone)
    return Missed(unexplained=None, stopped=tuple(stopped))


def _was_up(
    due: datetime, running_since: datetime, all_runs: Sequence[datetime]
) -> bool:
    """Whether other jobs ran shortly before and after a due time, before the stop."""
    at = bisect_left(all_runs, due)
    before = all_runs[at - 1] if at else None
    after = all_runs[at] if at < len(all_runs) else None
    return (
        before is not None
        and after is not None
        and after < running_since
        and due - before <= NEIGHBOUR
        and after - due <= NEIGHBOUR
    )
