"""Which versions a rollback goes back to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.errors import UsageError
from deploy.releases.log import DEPLOYED, WITHDRAWN, Entry
from deploy.releases.versions import Published, Release, Version

LIST = "./bootstrap releases"

There = Mapping[str, Sequence[Published]]
"""The versions that Lambda has, oldest first, by name of the service."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """One alias that is to move.

    Attributes:
        service: Name of the service.
        now: What is live.
        then: What is to be.
    """

    service: str
    now: Version
    then: Published


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known when a version is chosen.

    Attributes:
        live: What is live.
        there: What Lambda has.
        entries: The log of releases, oldest first.
    """

    live: Release
    there: There
    entries: Sequence[Entry]

    def find(self, service: str, number: int) -> Published | None:
        """Find a version that is there."""
        return next(
            (each for each in self.there[service] if each.version.number == number),
            None,
        )


def one(known: Known, service: str, to: int | None) -> Move:
    """Choose the version of a single service.

    Without a number: the newest version below the live one that was trusted; where the
    log knows none, the newest that was not withdrawn.

    Raises:
        UsageError: There is no such version, or it is live already.
    """
    now = known.live.get(service)
    if now is None:
        raise UsageError(
            f"{service} was never deployed here: nothing to roll back",
            remedy="./bootstrap deploy",
        )
    number = _before(known, service, now) if to is None else to
    if number == now.number:
        raise UsageError(
            f"version {number} of {service} is live already; nothing was changed",
            remedy=f"{LIST} --service {service}",
        )
    then = known.find(service, number)
    if then is None:
        numbers = [each.version.number for each in known.there[service]]
        raise UsageError(
            f"{service} has no version {number}: {_gone(known, service, number)}; there"
            f" are {_ranges(numbers)}. Nothing was changed",
            remedy=f"{LIST} --service {service}",
        )
    return Move(service=service, now=now, then=then)


def whole_set(known: Known, to: int | None) -> tuple[Entry, list[Move]]:
    """Choose the versions of all services: those of an earlier release.

    Without a number: the newest trusted release that differs from what is live and has
    no version above a live one, so that a second rollback does not go forward again.

    Raises:
        UsageError: There is no such release, it is live already, or a version of it is
            not there any more.
    """
    entry = _earlier(known) if to is None else _numbered(known, to)
    changed = [
        (name, known.live[name], version)
        for name, version in entry.services.items()
        if name in known.live and known.live[name] != version
    ]
    if not changed:
        raise UsageError(
            f"release {entry.number} is live already; nothing was changed",
            remedy=LIST,
        )
    moves = []
    for name, now, version in changed:
        then = known.find(name, version.number)
        if then is None or then.version != version:
            raise UsageError(
                f"release {entry.number} has version {version.number} of {name}, which"
                " was pruned, or made anew from other code; nothing was changed",
                remedy=f"{LIST} --service {name}",
            )
        moves.append(Move(service=name, now=now, then=then))
    return entry, moves


def last_live(known: Known, service: str, version: Version) -> Entry | None:
    """Find when a version was live last and trusted."""
    for entry in reversed(known.entries):
        if entry.is_trusted and entry.services.get(service) == version:
            return entry
    return None


def withdrawn(known: Known, service: str, version: Version) -> bool:
    """Tell whether a version failed its proof and was never trusted since."""
    failed = [e for e in known.entries if e.kind == WITHDRAWN]
    return (
        any(entry.services.get(service) == version for entry in failed)
        and last_live(known, service, version) is None
    )


def logged(known: Known, release: Release) -> Entry | None:
    """Find the newest entry of exactly this set."""
    for entry in reversed(known.entries):
        if entry.kind != WITHDRAWN and dict(entry.services) == dict(release):
            return entry
    return None


def _before(known: Known, service: str, now: Version) -> int:
    """Choose the version before the live one."""
    below = [v.version for v in known.there[service] if v.version.number < now.number]
    trusted = [each for each in below if last_live(known, service, each)]
    usable = trusted or [v for v in below if not withdrawn(known, service, v)]
    if not usable:
        raise UsageError(
            f"{service} has no version before {now.number} to go back to; nothing was"
            " changed",
            remedy=f"{LIST} --service {service}",
        )
    return max(usable, key=lambda each: each.number).number


def _earlier(known: Known) -> Entry:
    """Find the release before the one that is live."""
    for entry in reversed(known.entries):
        pairs = [(known.live.get(n), v) for n, v in entry.services.items()]
        both = [(now, then) for now, then in pairs if now]
        is_below = all(then.number <= now.number for now, then in both)
        if entry.kind == DEPLOYED and is_below and any(n != t for n, t in both):
            return entry
    raise UsageError(
        "no earlier release is recorded here; name a service, and a version if need"
        " be. Nothing was changed",
        remedy=LIST,
    )


def _numbered(known: Known, number: int) -> Entry:
    """Find a release by its number."""
    for entry in known.entries:
        if entry.number == number:
            return entry
    numbers = [entry.number for entry in known.entries]
    raise UsageError(
        f"no release {number} is recorded here; there are {_ranges(numbers)}. With"
        " --service all, --to is the number of a release. Nothing was changed",
        remedy=LIST,
    )


def _gone(known: Known, service: str, number: int) -> str:
    """Say whether a missing version ever was."""
    newest = max((e.version.number for e in known.there[service]), default=0)
    return "it was pruned" if 0 < number < newest else "it was never published"


def _ranges(numbers: Sequence[int]) -> str:
    """Write numbers for a person; many as first and last.

    >>> _ranges([1, 2, 5])
    '1, 2, 5'
    >>> _ranges([])
    'none'
    """
    if len(numbers) > 8:
        return f"{len(numbers)} from {min(numbers)} to {max(numbers)}"
    return ", ".join(map(str, numbers)) or "none"
