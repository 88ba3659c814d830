"""The steps of ``plan``: read, record, compare, estimate, judge. None changes anything.

What is judged comes last, so that a finding hides nothing of the plan.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from deploy.checklist import Result, Status, Step
from deploy.deployment import Deployment
from deploy.planning import components, cost, ledger, stackfile
from deploy.planning.changes import Change, between
from deploy.planning.cost import Estimate
from deploy.planning.engine_preview import Preview, preview_with_engine
from deploy.planning.linting import Found, Linter
from deploy.planning.programs import Declaration, declare, of
from deploy.planning.stackfile import Stackfile
from infra.catalog.loads import LOADS
from infra.policies import RULES, check

SIZE_KEY = "users"
"""Configuration key of the number of users that a stack is meant for."""


@dataclass(kw_only=True)
class Draft:
    """A plan in the making: each step adds its part.

    Attributes:
        linter: Gets ready beside everything else.
        config: The stack's configuration.
        declaration: What the program declares.
        preview: What the engine says, or that it was not asked.
        last: What the last deploy declared.
        changes: What differs from it.
        estimates: What a month costs, by number of users.
        found: What the linter said.
        findings: Everything that rules and linter found, a line each.
    """

    linter: Linter
    config: Stackfile | None = None
    declaration: Declaration | None = None
    preview: Preview = field(default_factory=Preview)
    last: ledger.Document | None = None
    changes: list[Change] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)
    found: Found = field(default_factory=Found)
    findings: list[str] = field(default_factory=list)

    @property
    def declared(self) -> Declaration:
        """What the program declares; the first steps have run."""
        if self.declaration is None:
            raise RuntimeError("the program has not been recorded yet")
        return self.declaration

    @property
    def users(self) -> int:
        """The number of users whose load is shown line by line."""
        known = {str(load.users): load.users for load in LOADS}
        given = self.config.value(SIZE_KEY) if self.config else ""
        return known.get(given, LOADS[0].users)

    @property
    def rules(self) -> list[str]:
        """The names of the rules that are applied."""
        return [rule.__name__ for rule in RULES]


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
            run=lambda _: _rules(draft),
            verifies=True,
        ),
    ]


def _configuration(draft: Draft, deployment: Deployment) -> Iterator[Result]:
    """Read the configuration without the engine."""
    config = draft.config = stackfile.read(deployment.stack, deployment.state)
    hidden = len(config.placeholders)
    title = f"{len(config.values)} values of Pulumi.{config.stack}.yaml and Pulumi.yaml"
    if config.placeholders and deployment.is_local:
        title += f"; {hidden} made up: the local stack was never started"
    elif config.placeholders:
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


def _resources(draft: Draft, deployment: Deployment) -> Iterator[Result]:
    """Run the program under mocks, and ask the engine where there is one."""
    draft.declaration = declare(deployment, draft.config)
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
        f" {one.llm_usd:,.0f}"
        + ("; the local stack itself costs nothing" if local else ""),
        status=Status.PASS,
        evidence={"estimates": [each.as_json() for each in draft.estimates]},
    )


def _rules(draft: Draft) -> Iterator[Result]:
    """Judge the program as of an update and of a first preview, and lint it."""
    declared = draft.declared
    unknown = of(declared.stackfile, preview=True)
    findings = {*check(declared.recorded.resources), *check(unknown.resources)}
    masked = declared.stackfile.masked  # a finding may quote what is wrong
    broken = [
        masked(f"{each.resource}: {each.what} ({each.rule})")
        for each in sorted(findings)
    ]
    yield _judged(
        "policies",
        f"{len(RULES)} rules on an update and on a first preview",
        broken,
        {"rules": {name: _count(broken, name) for name in draft.rules}},
    )
    plain = [f"{each.resource}: {each.path}" for each in declared.exposed]
    yield _judged(
        "secrets",
        "secrets are searched for in every plain input",
        [f"{each}: a secret stands there in plain text" for each in plain],
        {"searched_for": len(declared.stackfile.hidden)},
    )
    region = declared.stackfile.region
    draft.found = draft.linter.findings(declared.recorded.resources, region)
    messages = [masked(each) for each in draft.found.messages]
    yield _judged(
        "cfn-lint",
        f"AWS's own schemas on {draft.found.linted} resources",
        messages,
        {"region": region},
    )
    draft.findings = [*broken, *plain, *messages]
    if draft.found.without_schema:
        kinds = ", ".join(draft.found.without_schema)
        yield Result(
            id="rules.not-linted",
            title=f"cfn-lint was not shown {kinds}: no CloudFormation name is known",
            status=Status.WARN,
            evidence={"types": draft.found.without_schema},
            remedy="$EDITOR deploy/planning/cloudformation.py",
        )


def _judged(
    name: str, what: str, findings: list[str], evidence: dict[str, object]
) -> Result:
    """Give the result of a judgement: failed if anything was found."""
    return Result(
        id=f"rules.{name}",
        title=f"{what}: {len(findings) or 'no'} findings",
        status=Status.FAIL if findings else Status.PASS,
        evidence={**evidence, "findings": findings},
    )


def _count(broken: list[str], rule: str) -> int:
    """Count the findings of one rule."""
    return sum(line.endswith(f"({rule})") for line in broken)
