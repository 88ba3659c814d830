"""The task ``db.partition``: one phase of the conversion at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from deploy import console, run
from deploy.checklist import Result, Status, Step
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.errors import UsageError
from deploy.migrations.session import Connection
from deploy.options import number
from deploy.partitioning.limits import HOLD_MS

PHASES = (
    "plan",
    "prepare",
    "copy",
    "verify",
    "swap",
    "sync",
    "back",
    "finish",
    "abort",
)
ASKING = {
    "prepare": "copy its messages into partitions beside them",
    "swap": "put the partitions in the place of messages",
    "back": "put the old table in the place of the partitions",
    "finish": "drop the old table for good",
    "abort": "remove the partitions that were made",
}
"""What a person is asked about before a phase begins; the others only go on."""

TASK = "db.partition"
BOUNDS = {"partitions": (2, 128), "load": (1, 100), "wait_ms": (20, 5000)}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a run is to do.

    Attributes:
        phase: One of `PHASES`.
        partitions: How many (2 to 128); counts at ``prepare`` only.
        load: Percentage of the time in which the copy works (1 to 100).
        wait_ms: Longest that a swap may keep writers waiting, in ms (20 to 5000).
        anyway: Begin although the plan advises against it.
    """

    phase: str = "plan"
    partitions: int = 16
    load: int = 50
    wait_ms: int = HOLD_MS
    anyway: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no phase.

        Raises:
            UsageError: Names the phases and that nothing was changed.
        """
        if self.phase not in PHASES:
            raise UsageError(
                f"--phase {self.phase!r} is none of {', '.join(PHASES)}; nothing was"
                " changed",
                remedy="./bootstrap db.partition",
            )


def choice(phase: str, numbers: Mapping[str, str], *, anyway: bool) -> Choice:
    """Read the options as they were typed.

    Args:
        phase: One of `PHASES`.
        numbers: ``partitions``, ``load`` and ``wait_ms``.
        anyway: Begin although the plan advises against it.

    Raises:
        UsageError: One of them is no number, or out of range.
    """
    read = {
        name: number(f"--{name.replace('_', '-')}", text, BOUNDS[name], TASK)
        for name, text in numbers.items()
    }
    return Choice(phase=phase, anyway=anyway, **read)


def partition(
    stack: str, chosen: Callable[[], Choice], out: Output, *, dry_run: bool, yes: bool
) -> int:
    """Run one phase; give the exit code."""
    with run.ending(TASK, stack, as_json=out.as_json, debug=out.debug):
        options = chosen()
        progress = console.Progress()
        is_look = dry_run or options.phase == "plan"
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=is_look)
        if doing := ASKING.get(options.phase):
            run.confirm(
                deployment,
                yes=yes,
                task=f"{TASK} --phase {options.phase}",
                doing=doing,
            )
        step: Step[Deployment] = Step(
            id="plan" if is_look else options.phase,
            title=f"partition messages: {'plan' if is_look else options.phase}",
            run=lambda deployment: _phase(deployment, options),
            verifies=is_look or options.phase == "verify",
        )
        report = run.checklist(
            TASK, deployment, [step], progress, judge=run.plain_judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _phase(deployment: Deployment, options: Choice) -> Iterator[Result]:
    """Connect and run a phase, or only look."""
    from deploy.database import connect, explained
    from deploy.migrations.session import migrating, reset
    from deploy.partitioning import phases, planning

    url = deployment.database_url()
    if deployment.dry_run:
        with connect(url) as conn, explained(conn, "planning the conversion"):
            yield from planning.show(conn, options)
        return
    with (
        migrating(url, deployment.progress) as conn,
        explained(conn, f"converting messages, {options.phase}"),
    ):
        reset(conn)
        yield from _run(conn, deployment, options, phases.PHASES[options.phase])


def _run(
    conn: Connection,
    deployment: Deployment,
    options: Choice,
    phase: "Callable[[Connection, Deployment, Choice], Iterator[Result]]",
) -> Iterator[Result]:
    """Run a phase and say what a database refused."""
    import psycopg

    from deploy.errors import DeployError

    try:
        yield from phase(conn, deployment, options)
    except psycopg.OperationalError:
        raise
    except psycopg.errors.InsufficientPrivilege:
        raise
    except psycopg.Error as error:
        raise DeployError(
            f"{options.phase}: {error.diag.message_primary or error} (SQLSTATE"
            f" {error.sqlstate}); what was done before is kept",
            remedy=error.diag.message_hint or "./bootstrap db.partition",
            evidence={"sqlstate": error.sqlstate},
        ) from error


def passed(phase: str, name: str, title: str, **more: object) -> Result:
    """Make the result of what went well."""
    return Result(
        id=f"{phase}.{name}",
        title=title,
        status=Status.PASS,
        evidence=more,
        changed=True,
    )
