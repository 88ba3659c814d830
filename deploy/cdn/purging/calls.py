"""What is sent to forget copies, and who takes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from deploy.cdn.purging.wanted import Wanted
from deploy.errors import DeployError
from infra.catalog.cdn import EDGE_RULES, PUBLIC_PATH


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of a purge.

    Attributes:
        to: Who gets it, e.g. ``POST https://cdn.example.com/.cdn/purge``.
        body: What it says; no secret.
        note: What it forgets besides what was asked for; empty if nothing.
    """

    to: str
    body: Mapping[str, object]
    note: str = ""


class TooManyError(DeployError):
    """The provider takes no more purges at this moment.

    Attributes:
        wait_s: After how many seconds it may.
    """

    def __init__(self, message: str, *, wait_s: float) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Backend(Protocol):
    """A provider that can be told to forget."""

    def calls(self, wanted: Wanted) -> Sequence[Call]:
        """Give the requests; send nothing."""

    def send(self, call: Call) -> None:
        """Send one.

        Raises:
            TooManyError: Later.
            DeployError: It is refused.
        """


def prefixes(wanted: Wanted) -> tuple[list[str], str]:
    """Give the paths under which tags or everything are, and what else is there."""
    if wanted.everything:
        return [PUBLIC_PATH], ""
    rules = [rule for rule in EDGE_RULES if set(rule.tags) & set(wanted.tags)]
    exact = {f"bucket-{rule.bucket}" for rule in rules} & set(wanted.tags)
    # A rule with a suffix covers a part of its bucket, and the rule of the bucket the
    # rest: by their start alone they cannot be told apart.
    buckets = {rule.bucket for rule in rules}
    shared = sorted(
        bucket
        for bucket in buckets
        if f"bucket-{bucket}" not in exact
        and {rule.name for rule in EDGE_RULES if rule.bucket == bucket}
        != {rule.name for rule in rules if rule.bucket == bucket}
    )
    note = f"the whole bucket {', '.join(shared)}" if shared else ""
    return sorted({rule.prefix for rule in rules}), note


def batches(entries: Sequence[str], size: int) -> Iterator[list[str]]:
    """Part a list into lists of at most ``size``."""
    for start in range(0, len(entries), size):
        yield list(entries[start : start + size])
