"""An update through the Pulumi engine, told as results."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.engine.meanwhile import refuse_updated
from deploy.engine.previewing import Preview, preview, refuse_losses, results
from deploy.engine.watch import Failure, Watch
from deploy.errors import DeployError, ExitCode, HalfDoneError, InterruptedRunError
from deploy.releases import guarded

PERMALINK = re.compile(r"https://\S+/updates/\d+")
"""What the CLI prints of an update that its backend shows in a browser."""

STEP = "infrastructure"
RESUME = "./bootstrap deploy --resume"
UNDO = "git checkout <the commit of an earlier receipt>, then deploy"


@dataclass(frozen=True, kw_only=True)
class Updated:
    """What an update left.

    Attributes:
        version: Its number in the stack's history.
        permalink: Where the backend shows it, or ``None``.
        outputs: The stack's outputs, without secrets.
    """

    version: int | None
    permalink: str | None
    outputs: dict[str, Any]


def provision(deployment: Deployment) -> Iterator[Result]:
    """Preview, unless this run has; then update, unless nothing would change."""
    seen = deployment.preview or preview(deployment)
    shown = results(seen, deployment.allowed_losses)
    if deployment.dry_run:
        yield from shown
        return
    refuse_losses(deployment, seen)
    if deployment.preview:
        refuse_updated(deployment, seen)
    for result in shown:
        yield replace(result, planned=False)
    if not seen.changes:
        yield _unchanged(deployment, seen)
        return
    yield from guarded(deployment, STEP, _update(deployment, seen))


def _unchanged(deployment: Deployment, seen: Preview) -> Result:
    """Say that there is nothing to do, and what there is."""
    from deploy.engine.workspace import explained, outputs

    with explained(deployment):
        found = outputs(seen.engine)
    return Result(
        id="infrastructure.resources",
        title=f"unchanged: {seen.unchanged} resources are as the program says",
        status=Status.PASS,
        evidence={"unchanged": seen.unchanged, "outputs": found},
    )


def _update(deployment: Deployment, seen: Preview) -> Iterator[Result]:
    """Run the update; say what it did, or where it stopped and why."""
    started = time.perf_counter()
    watch = Watch(say=deployment.progress, expected=len(seen.changes))
    stopped: DeployError | None = None
    done: Updated | None = None
    try:
        done = _up(deployment, seen, watch)
    except DeployError as error:
        stopped = error
    for failure in watch.failures:
        yield _failed(deployment, failure)
    took = (time.perf_counter() - started) * 1000
    if stopped is not None:
        stopped.evidence |= _evidence(watch)
        if isinstance(stopped, InterruptedRunError) or not watch.failures:
            raise stopped
        yield replace(_stopped(watch, stopped), ms=took)
        return
    yield Result(
        id="infrastructure.resources",
        title=f"{watch.counted()}; {watch.unchanged} unchanged",
        status=Status.WARN if watch.corrupt else Status.PASS,
        evidence={**_evidence(watch), "undo": UNDO}
        | ({"update": done.version, "permalink": done.permalink} if done else {}),
        changed=bool(watch.done),
        remedy=f"pulumi refresh --stack {deployment.stack}" if watch.corrupt else None,
        ms=took,
    )
    yield _kept(deployment)
    outputs = done.outputs if done else {}
    yield Result(
        id="infrastructure.outputs",
        title=f"{', '.join(outputs) or 'no outputs'}: in the receipt",
        status=Status.PASS,
        evidence=outputs,
    )


def _kept(deployment: Deployment) -> Result:
    """Keep what was declared, for ``plan`` to compare with."""
    from deploy.planning import programs

    deployment.progress("noting what was declared")
    try:
        digest = programs.save(deployment)
    except DeployError as error:
        # The update is done: only the next plan will show more than differs.
        return Result(
            id="infrastructure.declared",
            title=f"what was declared is not noted, so that the next plan shows all as"
            f" new: {error}",
            status=Status.WARN,
            remedy=error.remedy,
        )
    return Result(
        id="infrastructure.declared",
        title="what was declared is noted: plans compare with it",
        status=Status.PASS,
        evidence={"declared": digest},
    )


def _up(deployment: Deployment, seen: Preview, watch: Watch) -> Updated:
    """Run ``pulumi up``, without a preview of its own.

    Raises:
        InterruptedRunError: Somebody cancelled it; it has ended.
        HalfDoneError: It stopped half-way.
        DeployError: It stopped before anything was changed.
    """
    from pulumi.automation.errors import CommandError

    from deploy.engine.failures import explain

    stack = seen.engine.stack
    deployment.progress(f"updating {len(seen.changes)} resources")
    try:
        done = stack.up(
            on_event=watch,
            color="never",
            suppress_outputs=True,
            show_secrets=False,
            # Else the state has aliases where they are not, and moves none of them.
            refresh=bool(seen.moved),
            message=f"./bootstrap deploy --stack {deployment.stack}",
        )
    except KeyboardInterrupt:
        raise _interrupted(deployment, watch) from None
    except CommandError as error:
        told = "\n".join(text for _, text in watch.errors)
        found = explain(str(error), deployment.stack, _left(watch), told=told)
        if not watch.done:
            raise found from error
        raise HalfDoneError(
            str(found), remedy=found.remedy or RESUME, evidence=found.evidence
        ) from error
    link = PERMALINK.search(done.stdout)
    return Updated(
        version=done.summary.version,
        permalink=link[0] if link else None,
        outputs={k: each.value for k, each in done.outputs.items() if not each.secret},
    )


def _interrupted(deployment: Deployment, watch: Watch) -> InterruptedRunError:
    """Say what state a cancelled update left."""
    unknown = watch.under_way
    told = (
        f"; {', '.join(unknown)} had begun and may exist without the state knowing it"
        if unknown
        else "; nothing was under way"
    )
    return InterruptedRunError(
        f"the update was cancelled: {_left(watch)}{told}",
        remedy=f"pulumi refresh --stack {deployment.stack}, then {RESUME}"
        if unknown
        else RESUME,
    )


def _left(watch: Watch) -> str:
    """Say how far an update came."""
    if not watch.done:
        return "nothing was changed"
    of = f" of {watch.expected}" if watch.expected else ""
    return (
        f"{len(watch.done)}{of} changes are done and stay; the state knows them, and"
        " deploying again goes on"
    )


def _failed(deployment: Deployment, failure: Failure) -> Result:
    """Say which resource failed, why, and what to do."""
    from deploy.engine.failures import NOTHING, explain

    change = failure.change
    known = explain(failure.reason, deployment.stack, NOTHING)
    generic = type(known) is DeployError
    return Result(
        id=f"infrastructure.{change.name}",
        title=f"{change.kind} {change.type} {change.name} failed: {failure.reason}",
        status=Status.FAIL,
        evidence={"type": change.type, "urn": change.urn, "why": list(change.why)},
        remedy=RESUME if generic else known.remedy,
    )


def _stopped(watch: Watch, error: DeployError) -> Result:
    """Sum an update up that failed at one resource or more."""
    half = error.exit_code is ExitCode.HALF_DONE
    return Result(
        id="infrastructure.resources",
        title=f"stopped: {_left(watch)}; {len(watch.failures)} failed",
        status=Status.FAIL,
        evidence=error.evidence,
        remedy=RESUME if half else "./bootstrap deploy",
        changed=bool(watch.done),
    )


def _evidence(watch: Watch) -> dict[str, object]:
    """Give what a receipt holds of an update."""
    by_kind: dict[str, list[str]] = {}
    for change in watch.done.values():
        by_kind.setdefault(change.kind, []).append(f"{change.type} {change.name}")
    return {"done": by_kind, "unchanged": watch.unchanged}
