"""``deploy --plan`` and ``--apply``: what was looked at is applied, or nothing is."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.checklist import Result, Status, Step, skipped
from deploy.deployment import Deployment
from deploy.errors import UsageError

if TYPE_CHECKING:
    from deploy.engine.previewing import Preview
    from deploy.planning.planfile import PlanFile

AGE_MAX = timedelta(hours=24)
"""A plan of another day was made of another state of the world."""

SKEW_MAX = timedelta(minutes=5)
"""How far the clocks of who planned and who applies may be apart."""

ENGINE = "engine: "
"""Begins a line of a plan's changes that the engine's preview gave."""

UNSEEN = f"{ENGINE}not asked"
"""Stands in a plan that was made where there is no Pulumi CLI."""


def writing(path: Path) -> Step[Deployment]:
    """Make the step that writes a plan file."""

    def body(deployment: Deployment) -> Iterator[Result]:
        yield from _write(deployment, path)

    return Step(id="infrastructure", title="plan the update", run=body)


def accepted(deployment: Deployment, path: Path) -> "PlanFile":
    """Read a plan file that may still be applied.

    Raises:
        UsageError: It is of another stack, too old, or something that it was made from
            changed since; names what.
    """
    from deploy.planning import planfile

    plan = planfile.read(path)
    again = f"./bootstrap deploy --plan {path}"
    if plan.stack != deployment.stack:
        raise UsageError(
            f"{path}: is a plan of stack {plan.stack}, not of {deployment.stack};"
            " nothing was changed",
            remedy=f"./bootstrap deploy --apply {path} --stack {plan.stack}",
        )
    age = timedelta(seconds=plan.age_s(datetime.now(UTC)))
    if not -SKEW_MAX <= age <= AGE_MAX:
        raise UsageError(f"{path}: {_of_age(age)}; nothing was changed", remedy=again)
    changed = planfile.stale(plan, state=deployment.state)
    if changed:
        raise UsageError(
            f"{path}: is out of date: {'; '.join(changed)}. Nothing was changed",
            remedy=again,
            evidence={"changed": changed},
        )
    return plan


def _of_age(age: timedelta) -> str:
    """Say why a plan of this age is not applied."""
    hours = age.total_seconds() / 3600
    if age < timedelta(0):
        return (
            f"was made {-hours:.1f} hours from now: the clock here, or of the machine"
            " that planned, is wrong"
        )
    return (
        f"was made {hours:.0f} hours ago, and a plan holds for"
        f" {AGE_MAX.total_seconds() / 3600:.0f}"
    )


def refuse_others(plan: "PlanFile", seen: "Preview", path: Path) -> bool:
    """Refuse what the engine would change and the plan does not have.

    Returns:
        Whether the plan says all that the engine would change. One that was made
        without the engine does not, and its digests say nothing of the state.

    Raises:
        UsageError: Names it.
    """
    known = set(plan.changes)
    if not any(line.startswith(ENGINE) for line in known) or UNSEEN in known:
        return not seen.changes
    extra = [line.removeprefix(ENGINE) for line in _lines(seen) if line not in known]
    if extra:
        raise UsageError(
            f"{path}: the engine would change what the plan does not have:"
            f" {'; '.join(extra)}. Nothing was changed",
            remedy=f"./bootstrap deploy --plan {path}",
            evidence={"not_in_plan": extra},
        )
    return True


def _write(deployment: Deployment, path: Path) -> Iterator[Result]:
    """Preview where there is a CLI, and write the plan file."""
    from deploy.planning import planfile

    seen: list[str] = []
    if not deployment.is_local:
        from deploy.engine import cli

        if cli.where() is None:
            yield _without_engine()
            seen = [UNSEEN]
        else:
            from deploy.engine.previewing import preview, results

            found = preview(deployment)
            yield from results(found, deployment.allowed_losses)
            seen = _lines(found) or [f"{ENGINE}nothing"]
    plan = _plan(deployment, seen)
    planfile.write(plan, path)
    yield Result(
        id="infrastructure.plan",
        title=f"{path}: holds for {AGE_MAX.total_seconds() / 3600:.0f} hours, or until"
        f" one of its {len(plan.inputs)} inputs changes",
        status=Status.PASS,
        evidence={"commit": plan.commit, "changes": list(plan.changes)},
    )


def _without_engine() -> Result:
    """Say that the plan has no preview of the engine's."""
    from deploy.engine.cli import INSTALL

    reason = (
        "the Pulumi CLI is not installed, so the plan holds what the program declares"
        " and not what the engine would do"
    )
    return skipped("infrastructure.preview", reason, INSTALL)


def _plan(deployment: Deployment, seen: Sequence[str]) -> "PlanFile":
    """Make a plan of what the program declares and what the engine would do."""
    from deploy.planning import changes, inputs, ledger, planfile, programs
    from deploy.steps.preflight import git

    deployment.progress("recording what the program declares")
    document = programs.declare(deployment).document
    last = ledger.load(ledger.folder(deployment))
    differs = changes.between(last, document)
    return planfile.PlanFile(
        stack=deployment.stack,
        commit=git("rev-parse", "HEAD"),
        created_at=planfile.now(),
        inputs=inputs.of_stack(
            deployment.stack,
            state=deployment.state,
            last_deploy=ledger.digest(last) if last else None,
        ),
        declared=ledger.digest(document),
        resources=len(document["resources"]),
        changes=[
            *seen,
            *(line for each in differs for line in each.lines()),
        ],
    )


def _lines(seen: "Preview") -> list[str]:
    """Write the engine's changes as a plan holds them."""
    return [f"{ENGINE}{each.line()}" for each in seen.changes]
