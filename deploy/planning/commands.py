"""The task ``plan``: what `pulumi up` would make, without the engine and an account."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy import console, run
from deploy.checklist import Report
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.planning import components, graph, inputs, layout, ledger, linting, planfile
from deploy.planning.planfile import PlanFile
from deploy.planning.steps import Draft, steps
from deploy.steps.preflight import git


@dataclass(frozen=True, kw_only=True)
class Request:
    """What somebody asked for.

    Attributes:
        stack: Name of the stack.
        out: File to write the plan into; ``None`` for none.
        graph: File to draw the components into; ``None`` for none.
        check: Say by the exit code whether anything would change.
    """

    stack: str
    out: Path | None = None
    graph: Path | None = None
    check: bool = False


def plan(request: Request, output: Output) -> int:
    """Show the plan of a stack; give the exit code."""
    with run.ending("plan", request.stack, as_json=output.as_json, debug=output.debug):
        check_stack(request.stack)
        if request.out:
            planfile.check_folder(request.out)
        if request.graph:
            graph.check_path(request.graph)
        progress = console.Progress()
        deployment = Deployment(
            stack=request.stack, progress=progress.say, dry_run=True
        )
        draft, report = _drafted(request, deployment, progress)
        if not output.as_json:
            console.say_lines(_body(draft))
        console.show(report, as_json=output.as_json, evidence=output.evidence)
        if request.out and draft.estimates:
            planfile.write(_file(draft, deployment), request.out)
        if request.graph and draft.declaration:
            _draw(draft, request.graph)
        if not output.as_json:
            console.say_lines(_ending(request, draft, deployment))
        return int(report.exit_code)


def _drafted(
    request: Request, deployment: Deployment, progress: console.Progress
) -> tuple[Draft, Report]:
    """Run the steps; the linter gets ready meanwhile."""
    draft = Draft(linter=linting.Linter.start())
    judge = run.check_judge if request.check else run.plain_judge
    try:
        return draft, run.checklist(
            "plan", deployment, steps(draft), progress, judge=judge
        )
    finally:
        draft.linter.close()


def _body(draft: Draft) -> Iterator[str]:
    """Show what the steps found, as far as they came."""
    if draft.declaration is None:
        return
    declared = draft.declaration
    made = components.of(declared.recorded, declared.stackfile.masked)
    yield from layout.resources(made, draft.preview.source)
    yield ""
    if draft.preview.asked:
        yield from layout.engine(draft.preview.lines)
        yield ""
    since = draft.last[ledger.AT] if draft.last else None
    yield from layout.changes(draft.changes, since)
    yield ""
    if draft.estimates:
        yield from layout.cost(draft.estimates, draft.users)
        yield ""
        yield from layout.rules(draft.rules, draft.found.linted)
        yield ""


def _draw(draft: Draft, path: Path) -> None:
    """Draw the components, and which uses which."""
    config = draft.declared.stackfile
    made = components.of(draft.declared.recorded, config.masked)
    count = sum(len(each.resources) for each in made)
    graph.draw(made, f"stack {config.stack}: {count} resources declared", path)


def _file(draft: Draft, deployment: Deployment) -> PlanFile:
    """Make the plan file."""
    one = next(each for each in draft.estimates if each.load.users == draft.users)
    return PlanFile(
        stack=deployment.stack,
        commit=git("rev-parse", "HEAD"),
        created_at=planfile.now(),
        inputs=inputs.of_stack(
            deployment.stack,
            state=deployment.state,
            last_deploy=ledger.digest(draft.last) if draft.last else None,
        ),
        declared=ledger.digest(draft.declared.document),
        resources=len(components.made(draft.declared.recorded)),
        changes=[line for each in draft.changes for line in each.lines()],
        findings=draft.findings,
        cost=one.as_json(),
    )


def _ending(request: Request, draft: Draft, deployment: Deployment) -> list[str]:
    """Say where the plan is and what to type next."""
    if not draft.estimates:
        return []
    files = {"plan": request.out, "graph": request.graph}
    lines = [f"{name}: {path}" for name, path in files.items() if path]
    if draft.findings:
        again = f"./bootstrap plan{deployment.suffix}"
        return [*lines, f"next: correct what was found, then {again}"]
    return [*lines, f"next: ./bootstrap deploy{deployment.suffix}"]
