"""The steps of ``plan``: read, record, compare, estimate, judge. None changes anything.

What is judged comes last, so that a finding hides nothing of the plan.
"""

import re
from collections.abc import Iterator

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.planning import components, cost, judging, ledger, programs, stackfile
from deploy.planning.changes import between
from deploy.planning.draft import Draft
from deploy.planning.engine_preview import preview_with_engine
from deploy.planning.programs import Declaration

COMMAND = re.compile(r"run `([^`]+)`")
"""The command that a warning names."""


def steps(draft: Draft) -> list[Step[Deployment]]:
    """Give the steps that fill a draft."""
    return [
        Step(
            id="configuration",
            title="read the stack's configuration",
            run=lambda deployment: _configuration(draft, deployment),
        ),
        Step(
            id="resources",
            title="record what the program declares",
            run=lambda deployment: _resources(draft, deployment),
        ),
        Step(
            id="changes",
            title="compare with the last deploy",
            run=lambda deployment: _changes(draft, deployment),
        ),
        Step(
            id="cost",
            title="estimate what a month costs",
            run=lambda _: _cost(draft),
        ),
        Step(
            id="rules",
            title="apply the rules and the linter",
            run=lambda _: judging.rules(draft),
            verifies=True,
        ),
    ]


def _configuration(draft: Draft, deployment: Deployment) -> Iterator[Result]:
    """Read the configuration without the engine."""
    config = stackfile.read(deployment.stack, deployment.state)
    config = draft.config = programs.completed(config)
    hidden = len(config.placeholders - config.absent)
    title = f"{len(config.values)} values of Pulumi.{config.stack}.yaml and Pulumi.yaml"
    if config.placeholders and deployment.is_local:
        title += f"; {hidden} made up: the local stack was never started"
    elif hidden:
        title += f"; {hidden} secrets are not read, only the engine can decrypt them"
    yield Result(
        id="configuration.values",
        title=title,
        status=Status.PASS,
        evidence={
            "keys": sorted(config.values),
            "secrets": sorted(config.secrets),
            "stand_ins": sorted(config.placeholders),
        },
    )
    if config.absent:
        names = sorted(key.partition(":")[2] for key in config.absent)
        yield Result(
            id="configuration.absent",
            title=f"{len(names)} secrets are not set, the plan takes stand-ins and"
            f" nothing can be deployed: {', '.join(names)}",
            status=Status.WARN,
            evidence={"absent": names},
            remedy=f"pulumi config set --secret {names[0]}",
        )


def _resources(draft: Draft, deployment: Deployment) -> Iterator[Result]:
    """Run the program under mocks, and ask the engine where there is one."""
    draft.declaration = programs.declare(deployment, draft.config)
    yield from _warnings(draft.declaration, deployment)
    draft.preview = preview_with_engine(deployment)
    made = components.of(draft.declaration.recorded, draft.declaration.stackfile.masked)
    count = sum(len(each.resources) for each in made)
    yield Result(
        id="resources.declared",
        title=f"{count} resources in {len(made)} components; {draft.preview.source}",
        status=Status.PASS,
        evidence={
            "source": draft.preview.source,
            "digest": ledger.digest(draft.declaration.document),
            "components": [
                {
                    "kind": one.kind,
                    "name": one.name,
                    "matters": one.matters,
                    "resources": [f"{each.type} {each.name}" for each in one.resources],
                }
                for one in made
            ],
        },
    )
    if draft.preview.asked:
        yield Result(
            id="resources.engine",
            title=f"the engine would do {len(draft.preview.lines)} steps",
            status=Status.PASS,
            evidence={"steps": list(draft.preview.lines)},
            planned=bool(draft.preview.lines),
        )
    elif draft.preview.problem:
        yield Result(
            id="resources.engine",
            title=f"skipped: the engine did not answer: {draft.preview.problem}",
            status=Status.SKIPPED,
            remedy="pulumi preview",
        )


def _warnings(declared: Declaration, deployment: Deployment) -> Iterator[Result]:
    """Say what the program warns of; its update logs the same."""
    for warning in declared.recorded.warnings:
        # Where a value is comes first: ``Pulumi.<stack>.yaml: kiloscale:<key>: ...``.
        key = warning.split(": ")[1].rpartition(":")[2]
        told = COMMAND.search(warning)
        command = told[1] if told else f"pulumi config set {key} ..."
        yield Result(
            id=f"configuration.{key}",
            title=warning,
            status=Status.WARN,
            evidence={"key": key},
            remedy=f"{command}{deployment.suffix}"
            if deployment.suffix
            else f"$EDITOR Pulumi.{deployment.stack}.yaml",
        )


def _changes(draft: Draft, deployment: Deployment) -> Iterator[Result]:
    """Compare with what the last deploy declared."""
    draft.last = ledger.load(ledger.folder(deployment))
    draft.changes = between(draft.last, draft.declared.document)
    lines = [line for each in draft.changes for line in each.lines()]
    count = len(draft.changes)
    if draft.last is None:
        title = "no deploy is recorded here: every resource counts as new"
    elif draft.changes:
        title = f"{count} resources differ from the deploy of {draft.last[ledger.AT]}"
    else:
        title = f"nothing differs from the deploy of {draft.last[ledger.AT]}"
    yield Result(
        id="changes.since-last-deploy",
        title=title,
        status=Status.PASS,
        evidence={
            "since": draft.last[ledger.AT] if draft.last else None,
            "last_digest": ledger.digest(draft.last) if draft.last else None,
            "changes": lines,
        },
        planned=bool(draft.changes),
    )


def _cost(draft: Draft) -> Iterator[Result]:
    """Estimate a month on AWS, whatever the stack."""
    resources = draft.declared.recorded.resources
    draft.estimates = cost.for_all_loads(resources, draft.declared.stackfile.region)
    one = next(each for each in draft.estimates if each.load.users == draft.users)
    local = draft.declared.stackfile.stack == "local"
    yield Result(
        id="cost.month",
        title=f"about {one.usd:.2f} USD a month with {one.load.users:,} users,"
        f" {one.usd_after_free:.2f} after what is free; the language model apart,"
        f" {one.llm_usd:,.0f} to {one.llm_usd_at_most:,.0f}"
        + ("; the local stack itself costs nothing" if local else ""),
        status=Status.PASS,
        evidence={"estimates": [each.as_json() for each in draft.estimates]},
    )
