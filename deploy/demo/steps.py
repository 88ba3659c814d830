"""The demo as a checklist: data, traffic, and what the jobs would do with it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from deploy.checklist import Result, Status, Step
from deploy.demo import data, effects, rows, traffic
from deploy.demo.session import Connection, session
from deploy.demo.sizes import USERS_DEFAULT
from deploy.demo.traffic import Load, Sent, percentile
from deploy.deployment import Deployment
from deploy.errors import DeployError
from infra.catalog.pg_crons import (
    ARCHIVE_OLD_MESSAGES,
    CLEANUP_EDGE_FUNCTION_LOGS,
    CLEANUP_WEBHOOK_EVENTS,
    RECLAIM_ARCHIVED_MESSAGES,
    PgCronJob,
)

JOBS = (
    ARCHIVE_OLD_MESSAGES,
    RECLAIM_ARCHIVED_MESSAGES,
    CLEANUP_EDGE_FUNCTION_LOGS,
    CLEANUP_WEBHOOK_EVENTS,
)
"""The jobs that have something to do after 18 months of an app."""

EXPECTED = frozenset({200, 201, 429})
"""A retry, a message, and one over the limit of its user."""


def demo_steps(users: int, minutes: float) -> list[Step[Deployment]]:
    """Give the steps of a demo.

    Args:
        users: Number of users; 0 takes what is there, else the default.
        minutes: How long they write; 0 leaves the traffic out.
    """
    Load.of(1, minutes)  # refuses a wrong time before anything is made
    return [
        Step(
            id="data", title="fill the database", run=lambda run: data.fill(run, users)
        ),
        Step(
            id="traffic",
            title="replay chat traffic through the function URLs",
            run=lambda run: replay(run, users, minutes),
            verifies=True,
        ),
        Step(id="jobs", title="ask the jobs what they would do", run=jobs),
    ]


REMOVAL = Step(id="data", title="remove the demo", run=data.remove)


def replay(deployment: Deployment, users: int, minutes: float) -> Iterator[Result]:
    """Send messages as users of the demo; prove what became of them."""
    stack = deployment.require_local()
    with session(deployment) as connection:
        there = rows.read_marker(connection)
        load = Load.of(there.users if there else users or USERS_DEFAULT, minutes)
        if deployment.dry_run or not minutes:
            yield _not_sent(load, deployment)
            return
        people = effects.writers(connection, load.users)
        if not people:
            raise DeployError(
                "no user of the demo has a conversation: nobody can write",
                remedy="./bootstrap demo --remove, then ./bootstrap demo",
            )
        began = datetime.now(UTC)
        sent = traffic.replay(stack, load, people, deployment.progress)
        yield _sent(sent, load)
        yield _latency(sent)
        left, took = effects.drain(connection, people, deployment.progress)
        yield _outbox(left, took)
        yield _once(effects.count(connection, sent))
        yield _memories(effects.memories(connection, people, began))


def _not_sent(load: Load, deployment: Deployment) -> Result:
    """Say what a run would send, or that nothing was asked for."""
    would = deployment.dry_run and load.seconds > 0
    return Result(
        id="traffic.sent",
        title=f"would send messages: {load.told()}"
        if would
        else "skipped: --minutes 0",
        status=Status.PASS if would else Status.SKIPPED,
        evidence={"rate": load.rate, "seconds": load.seconds},
        planned=would,
    )


def _sent(sent: list[Sent], load: Load) -> Result:
    """Say what was sent and what the function answered."""
    statuses = traffic.statuses(sent)
    good = set(statuses) <= EXPECTED
    told = ", ".join(f"{count} times {status}" for status, count in statuses.items())
    odd = next((one for one in sent if one.answer.status not in EXPECTED), None)
    return Result(
        id="traffic.sent",
        title=f"{len(sent)} messages, {load.told()}: {told}",
        status=Status.PASS if good else Status.FAIL,
        evidence={
            "messages": len(sent),
            "statuses": {str(status): count for status, count in statuses.items()},
            "unexpected": odd.answer.evidence() if odd else None,
        },
        remedy=None if good else "./bootstrap deploy, then ./bootstrap demo",
        changed=True,
    )


def _latency(sent: list[Sent]) -> Result:
    """Say how long the function took, seen from here."""
    times = [one.answer.ms for one in sent]
    half, most = percentile(times, 0.5), percentile(times, 0.95)
    late = max(one.late_s for one in sent)
    return Result(
        id="traffic.latency",
        title=f"p50 {half:.0f} ms, p95 {most:.0f} ms, slowest {max(times):.0f} ms",
        status=Status.PASS,
        evidence={
            "p50_ms": round(half, 1),
            "p95_ms": round(most, 1),
            "max_ms": round(max(times), 1),
            "sent_late_max_s": round(late, 3),
        },
    )


def _outbox(left: dict[str, str], took: float) -> Result:
    """Say whether all that was accepted is done."""
    told = ", ".join(f"{topic}: {what}" for topic, what in left.items())
    return Result(
        id="traffic.outbox",
        title=f"not empty after {took:.0f} s: {told}"
        if left
        else f"empty {took:.1f} s after the last message",
        status=Status.FAIL if left else Status.PASS,
        evidence={"query": effects.WAITING, "left": left, "seconds": round(took, 2)},
        remedy="./bootstrap local.logs --part emulator" if left else None,
    )


def _once(counts: effects.Counts) -> Result:
    """Say whether each message is one row with one answer."""
    return Result(
        id="traffic.answers",
        title=f"{counts.accepted} messages accepted, each saved once and answered once"
        if counts.hold
        else f"of {counts.accepted} accepted messages {counts.saved_once} are one row,"
        f" {counts.answered_once} have one answer; {counts.answers} answers in all",
        status=Status.PASS if counts.hold else Status.FAIL,
        evidence={
            "query": effects.ONCE,
            "accepted": counts.accepted,
            "saved_once": counts.saved_once,
            "answered_once": counts.answered_once,
            "answers": counts.answers,
        },
        remedy=None if counts.hold else "./bootstrap local.logs --part emulator",
    )


def _memories(made: int) -> Result:
    """Say what was kept: a conversation is read when it rests, or grew by much."""
    return Result(
        id="traffic.memories",
        title=f"{made} memories so far; a conversation is read when it rests",
        status=Status.PASS,
        evidence={"query": effects.MEMORIES, "memories": made},
    )


def jobs(deployment: Deployment) -> Iterator[Result]:
    """Show the dry run of each job that has something to do with old data."""
    with session(deployment) as connection:
        for job in JOBS:
            deployment.progress(job.dry_run)
            yield _would(job, connection)


def _would(job: PgCronJob, connection: Connection) -> Result:
    """Read what a job would do at once."""
    cursor = connection.execute(job.dry_run.encode())
    names = [column.name for column in cursor.description or ()]
    row = dict(zip(names, cursor.fetchone() or (), strict=True))
    numbers = {name: value for name, value in row.items() if isinstance(value, int)}
    told = ", ".join(f"{name} {value:,}" for name, value in numbers.items())
    return Result(
        id=f"jobs.{job.name}",
        title=told.replace("_", " "),
        status=Status.PASS,
        evidence={"query": job.dry_run, **{k: str(v) for k, v in row.items()}},
    )
