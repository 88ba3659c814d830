"""The tasks ``queue.dead`` and ``queue.replay``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy import console, run
from deploy.checklist import Result, Step
from deploy.commands import Output
from deploy.deployment import Deployment, check_stack
from deploy.errors import UsageError

if TYPE_CHECKING:
    from deploy.queues.access import Place

DRY = "./bootstrap queue.replay --dry-run"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which dead work a task is about.

    Attributes:
        queue: Name of a queue; empty for all.
        outbox_id: Id of one outbox row, as it was typed; empty for all.
    """

    queue: str = ""
    outbox_id: str = ""


def dead(stack: str, queue: str, out: Output) -> int:
    """Show what no consumer could do; give the exit code."""
    with run.ending("queue.dead", stack, as_json=out.as_json, debug=out.debug):
        names = _names(queue)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say)
        report = run.checklist(
            "queue.dead",
            deployment,
            [_looking(names)],
            progress,
            judge=run.verify_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def replay(stack: str, chosen: Chosen, out: Output, *, dry_run: bool, yes: bool) -> int:
    """Send dead work again; give the exit code."""
    with run.ending("queue.replay", stack, as_json=out.as_json, debug=out.debug):
        names = _names(chosen.queue)
        outbox_id = _number(chosen.outbox_id)
        check_stack(stack)
        progress = console.Progress()
        deployment = Deployment(stack=stack, progress=progress.say, dry_run=dry_run)
        _confirm(deployment, yes=yes)
        report = run.checklist(
            "queue.replay",
            deployment,
            [_replaying(names, outbox_id)],
            progress,
            judge=run.plain_judge,
        )
        console.show(report, as_json=out.as_json, evidence=out.evidence)
        return int(report.exit_code)


def _names(queue: str) -> Sequence[str]:
    """Give the queues that are meant.

    Raises:
        UsageError: There is no such queue; names those that there are.
    """
    from deploy.queues.looking import NAMES

    if queue and queue not in NAMES:
        raise UsageError(
            f"no queue named {queue!r}; known: {', '.join(NAMES)}. Nothing was changed",
            remedy="./bootstrap queue.dead",
        )
    return [queue] if queue else NAMES


def _number(text: str) -> int | None:
    """Read ``--id``.

    Raises:
        UsageError: It is no id of an outbox row.
    """
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**63):
        raise UsageError(
            f"--id {text!r} is no id of an outbox row, a number from 1 on;"
            " nothing was changed",
            remedy="./bootstrap queue.dead",
        )
    return int(text)


def _confirm(deployment: Deployment, *, yes: bool) -> None:
    """Ask before work of real users is sent again.

    Raises:
        UsageError: Nobody said yes; nothing was changed.
    """
    if deployment.is_local or deployment.dry_run or yes:
        return
    remedy = f"{DRY}, then --yes"
    if not console.asks():
        raise UsageError(
            f"stack {deployment.stack} has real users and nobody is here to ask:"
            " --yes is missing; nothing was changed",
            remedy=remedy,
        )
    answer = console.ask(f"Type {deployment.stack} to send its dead work again:")
    if answer != deployment.stack:
        raise UsageError(
            f"{answer!r} is not {deployment.stack!r}: nothing was changed",
            remedy=remedy,
        )


def _looking(names: Sequence[str]) -> Step[Deployment]:
    """Make the step that shows what is dead."""

    def body(deployment: Deployment) -> Iterator[Result]:
        from deploy.queues.dead import shown
        from deploy.queues.looking import looked_at

        with _place(deployment, "looking for dead work") as place:
            for name in names:
                with looked_at(place, name) as (found, _):
                    result = shown(found)
                yield result

    return Step(id="queues", title="look for dead work", run=body, verifies=True)


def _replaying(names: Sequence[str], outbox_id: int | None) -> Step[Deployment]:
    """Make the step that sends dead work again."""

    def body(deployment: Deployment) -> Iterator[Result]:
        from deploy.queues import replaying

        with _place(deployment, "sending dead work again") as place:
            for name in names:
                yield replaying.replay(place, name, outbox_id)

    return Step(id="queues", title="send dead work again", run=body)


@contextmanager
def _place(deployment: Deployment, doing: str) -> "Iterator[Place]":
    """Connect to where the work is."""
    from deploy import account
    from deploy.database import connect, explained
    from deploy.queues.access import Place

    sqs = account.client(deployment, "sqs")
    with (
        connect(deployment.database_url()) as connection,
        explained(connection, doing),
    ):
        yield Place(deployment=deployment, connection=connection, sqs=sqs)
