"""Judges what is declared: our rules, a search for secrets, the linter."""

from collections.abc import Iterator

from deploy.checklist import Result, Status
from deploy.planning.draft import Draft
from deploy.planning.programs import of
from infra.policies import RULES, check


def rules(draft: Draft) -> Iterator[Result]:
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
    yield _linted(draft)
    messages = [masked(each) for each in draft.found.messages]
    draft.findings = [*broken, *plain, *messages]
    if draft.found.without_schema:
        yield _not_linted(draft.found.without_schema)


def _linted(draft: Draft) -> Result:
    """Ask the linter, and keep what it found."""
    stackfile = draft.declared.stackfile
    resources = draft.declared.recorded.resources
    draft.found = draft.linter.findings(resources, stackfile.region)
    return _judged(
        "cfn-lint",
        f"AWS's own schemas on {draft.found.linted} resources",
        [stackfile.masked(each) for each in draft.found.messages],
        {"region": stackfile.region},
    )


def _not_linted(types: list[str]) -> Result:
    """Name what the linter was not shown."""
    return Result(
        id="rules.not-linted",
        title=f"cfn-lint was not shown {', '.join(types)}: no CloudFormation name is"
        " known",
        status=Status.WARN,
        evidence={"types": types},
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
