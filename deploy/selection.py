"""The steps of a run, as ``--only`` and ``--skip`` choose them."""

from collections.abc import Sequence

from deploy.checklist import Step
from deploy.deployment import Deployment
from deploy.errors import UsageError


def select(
    steps: Sequence[Step[Deployment]], only: str, skip: str
) -> list[Step[Deployment]]:
    """Choose steps by the comma-separated ids of ``--only`` and ``--skip``.

    Raises:
        UsageError: An id is unknown, or nothing is left.
    """
    for option, text in (("--only", only), ("--skip", skip)):
        if text and not names(text):
            raise UsageError(
                f"{option} {text!r} names no step; nothing was changed",
                remedy="./bootstrap deploy --help",
            )
    wanted, unwanted = names(only), names(skip)
    known = [step.id for step in steps]
    unknown = [name for name in [*wanted, *unwanted] if name not in known]
    if unknown:
        raise UsageError(
            f"no step named {', '.join(unknown)}; the steps are {', '.join(known)}."
            " Nothing was changed",
            remedy="./bootstrap deploy --help",
        )
    chosen = [
        step
        for step in steps
        if (not wanted or step.id in wanted) and step.id not in unwanted
    ]
    if not chosen:
        raise UsageError(
            f"--only {only} --skip {skip} leaves no step to run",
            remedy="./bootstrap deploy --help",
        )
    return chosen


def names(text: str) -> tuple[str, ...]:
    """Split a comma-separated list; empty parts do not count."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
