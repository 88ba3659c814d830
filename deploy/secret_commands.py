"""The task ``secrets.check``."""

from collections.abc import Iterator, Sequence

from deploy import console, run
from deploy.checklist import Result, Status, Step
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.errors import ExitCode, UsageError
from deploy.secrets import sources
from deploy.secrets.compare import Difference, Held, compare, compare_records

NO_CLI = "there is no Pulumi CLI here to decrypt it"
DEPLOY = "./bootstrap deploy"
ANEW = "./bootstrap local.stop && ./bootstrap deploy"
"""What somebody changed by hand, only a new emulator forgets."""


def check(stack: str, out: Output) -> int:
    """Compare a stack's secrets; give the exit code."""
    with run.ending("secrets.check", stack, as_json=out.as_json, debug=out.debug):
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say)
        report = run.checklist(
            "secrets.check", deployment, [STEP], progress, judge=judge
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def judge(results: Sequence[Result], code: ExitCode) -> ExitCode:
    """Give ``CHANGES`` where secrets differ; what could not be looked at stays."""
    failed = [each for each in results if each.status is Status.FAIL]
    differs = failed and all("differs" in each.evidence for each in failed)
    return ExitCode.CHANGES if differs else code


def looked(deployment: Deployment) -> Iterator[Result]:
    """Compare configuration, record and functions."""
    configured = sources.configured(deployment)
    recorded = sources.recorded(deployment)
    if recorded is None and configured is None:
        raise UsageError(
            f"stack {deployment.stack} has no recorded digests, and its configuration"
            f" cannot be read: {NO_CLI}; nothing was compared",
            remedy=DEPLOY,
        )
    yield _of_record(configured, recorded)
    expected = configured if recorded is None else recorded
    against = "configured" if recorded is None else "recorded"
    repair = ANEW if deployment.is_local else f"pulumi up --refresh{deployment.suffix}"
    versions: list[Held] = []
    for held in sources.held(deployment):
        versions.append(held)
        if held.version == sources.NEXT:
            yield _of_function(expected or {}, versions, against, repair)
            versions = []


def _of_record(
    configured: dict[str, str] | None, recorded: dict[str, str] | None
) -> Result:
    """Say whether what is configured is what the last deploy recorded."""
    if configured is None or recorded is None:
        what = NO_CLI if configured is None else "no deploy has recorded digests yet"
        return Result(
            id="secrets.recorded",
            title=f"skipped, configuration against the last deploy: {what}",
            status=Status.SKIPPED,
            evidence={"reason": what},
            remedy=None if configured is None else DEPLOY,
        )
    differs = compare_records(configured, recorded)
    return _result(
        "recorded",
        differs,
        f"the {len(configured)} that are configured are those of the last deploy",
        "not as the last deploy recorded",
        compared=sorted({*configured, *recorded}),
        repair=DEPLOY,
    )


def _of_function(
    expected: dict[str, str], versions: Sequence[Held], against: str, repair: str
) -> Result:
    """Say whether a function has what it should have."""
    service = versions[0].service
    differs = compare(expected, versions)
    # What was edited and released is the same difference twice: say it once, of `live`.
    live = {(each.name, each.what) for each in differs if ":live" in each.where}
    told = [
        each
        for each in differs
        if ":live" in each.where or (each.name, each.what) not in live
    ]
    return _result(
        service.name,
        told,
        f"{len(versions[0].digests)} secrets as {against}",
        f"not as {against}",
        compared=sorted(versions[0].digests),
        repair=repair,
    )


def _result(
    name: str,
    differs: Sequence[Difference],
    equal: str,
    unequal: str,
    *,
    compared: Sequence[str],
    repair: str,
) -> Result:
    """Write a result; names and kinds only."""
    if not differs:
        return Result(
            id=f"secrets.{name}",
            title=equal,
            status=Status.PASS,
            evidence={"compared": list(compared)},
        )
    listed = ", ".join(_told(each) for each in differs)
    return Result(
        id=f"secrets.{name}",
        title=f"{unequal}: {listed}",
        status=Status.FAIL,
        evidence={
            "compared": list(compared),
            "differs": [vars(each) for each in differs],
        },
        remedy=repair,
    )


def _told(difference: Difference) -> str:
    """Tell a difference in a few words."""
    edited = " (edited, not released)" if sources.NEXT in difference.where else ""
    return f"{difference.name} {difference.what}{edited}"


STEP = Step(id="secrets", title="compare the stack's secrets by digest", run=looked)
