"""The ``local.*`` tasks that start, stop, look at and use the local stack."""

import shlex
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import console
from deploy.checklist import Result, Status, Step, skipped
from deploy.deployment import LOCAL, Deployment
from deploy.errors import ExitCode, UsageError
from deploy.run import checklist, ending, plain_judge

if TYPE_CHECKING:
    from deploy.local.parts import PartStatus


def local_task(
    name: str, body: Callable[[Deployment], Iterator[Result]], **shown: bool
) -> int:
    """Run one task of the local stack as a checklist of one step.

    Args:
        name: Name of the task, e.g. ``local.start``.
        body: Yields the results.
        shown: ``as_json``, ``evidence`` for the output, ``dry_run`` for the body.
    """
    as_json = shown.get("as_json", False)
    with ending(name, LOCAL, as_json=as_json):
        progress = console.Progress()
        deployment = Deployment(
            stack=LOCAL, progress=progress.say, dry_run=shown.get("dry_run", False)
        )
        step = Step(id="local", title=name, run=body, verifies=name == "local.status")
        report = checklist(name, deployment, [step], progress, judge=plain_judge)
        console.show(report, as_json=as_json)
        return int(report.exit_code)


def start(*, as_json: bool) -> int:
    """Start what is not running; say where each part listens."""

    def body(deployment: Deployment) -> Iterator[Result]:
        from deploy.local import stack

        started = stack.start(deployment.state, deployment.progress)
        for part in started.parts:
            yield _part(part, changed=started.changed)

    return local_task("local.start", body, as_json=as_json)


def stop(*, as_json: bool) -> int:
    """Stop what is running; say what was stopped."""

    def body(deployment: Deployment) -> Iterator[Result]:
        from deploy.local import stack

        stopped = stack.stop(deployment.state, deployment.progress)
        yield Result(
            id="local.stopped",
            title=f"stopped {', '.join(stopped)}" if stopped else "nothing was running",
            status=Status.PASS,
            evidence={"stopped": stopped},
            changed=bool(stopped),
        )

    return local_task("local.stop", body, as_json=as_json)


def status(*, as_json: bool) -> int:
    """Show each part; ``NOT_VERIFIED`` unless all run."""

    def body(deployment: Deployment) -> Iterator[Result]:
        from deploy.local import stack

        yield from map(_part, stack.status(deployment.state))

    return local_task("local.status", body, as_json=as_json)


def _part(part: "PartStatus", *, changed: bool = False) -> Result:
    """Say whether a part runs, and where."""
    if part.missing:
        return skipped(f"local.{part.name}", part.missing.reason, part.missing.remedy)
    where = f"127.0.0.1:{part.port}, pid {part.pid}"
    return Result(
        id=f"local.{part.name}",
        title=where if part.running else f"not running: {part.detail}",
        status=Status.PASS if part.running else Status.FAIL,
        evidence={"port": part.port, "pid": part.pid, "log": str(part.log)},
        remedy=None if part.running else "./bootstrap local.start",
        changed=changed,
    )


def logs(part: str, lines: int, *, as_json: bool) -> int:
    """Print the end of each part's log."""
    if as_json:
        return local_task(
            "local.logs", lambda run: _log_results(run, part, lines), as_json=True
        )
    with ending("local.logs", LOCAL):
        deployment = Deployment(stack=LOCAL, progress=lambda _: None)
        for result in _log_results(deployment, part, lines):
            console.say_lines([f"== {result.title}"])
            console.say_lines(map(str, result.evidence["lines"]))  # type: ignore[call-overload]  # a list of str
    return int(ExitCode.DONE)


def _log_results(deployment: Deployment, part: str, lines: int) -> Iterator[Result]:
    """Yield the end of each wanted log.

    Raises:
        UsageError: There is no such part.
    """
    from deploy.local import stack

    parts = stack.status(deployment.state)
    names = [one.name for one in parts]
    if part and part not in names:
        raise UsageError(
            f"no part named {part!r}; the parts are {', '.join(names)}",
            remedy="./bootstrap local.logs",
        )
    for one in parts:
        if part in ("", one.name):
            yield Result(
                id=f"local.{one.name}",
                title=f"{one.name}: {one.log}",
                status=Status.PASS,
                evidence={"lines": _tail(one.log, lines)},
            )


def _tail(log: Path, lines: int) -> list[str]:
    """Read the last lines of a log; say so where there is none."""
    try:
        with log.open(errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    except FileNotFoundError:
        return ["(no log yet)"]


def env(*, as_json: bool) -> int:
    """Print the variables that point an app at the local stack."""
    from deploy.local.env import env_lines

    if as_json:

        def body(deployment: Deployment) -> Iterator[Result]:
            values = env_lines(deployment.require_local())
            yield Result(
                id="local.env",
                title=f"{len(values)} variables",
                status=Status.PASS,
                evidence=dict(values),
            )

        return local_task("local.env", body, as_json=True)
    with ending("local.env", LOCAL):
        stack = Deployment(stack=LOCAL, progress=lambda _: None).require_local()
        console.say_lines(
            f"export {name}={shlex.quote(value)}"
            for name, value in env_lines(stack).items()
        )
    return int(ExitCode.DONE)
