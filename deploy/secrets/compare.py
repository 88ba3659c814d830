"""Compare digests of secrets: what is missing, what is extra, what has changed.

Pure functions: nothing here has ever seen a secret.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.catalog.secrets import SECRETS
from infra.catalog.services import Service

What = Literal["missing", "extra", "changed"]


@dataclass(frozen=True, kw_only=True)
class Held:
    """What one version of a function has.

    Attributes:
        service: Whose function.
        version: ``live``, what runs, or ``$LATEST``, what the next release begins with.
        names: Names of all its environment variables.
        digests: Digests of those that are secret and not empty, by key of the
            configuration.
    """

    service: Service
    version: str
    names: frozenset[str]
    digests: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One secret that is not what it should be.

    Attributes:
        where: The function and its version, e.g. ``chat-send:live``, or ``record``.
        name: Setting of the function, or key of the configuration.
        what: ``missing``: should be there; ``extra``: should not; ``changed``: other.
    """

    where: str
    name: str
    what: What


def compare(expected: Mapping[str, str], functions: Sequence[Held]) -> list[Difference]:
    """Compare what functions have with what they should have.

    Args:
        expected: Digests by key of the configuration: those that were recorded, or of
            what is configured. A secret that is not set has none.
        functions: What each has.

    Returns:
        The differences, in the order of the functions and of the catalog.
    """
    return [each for held in functions for each in _of_function(expected, held)]


def compare_records(
    configured: Mapping[str, str], recorded: Mapping[str, str]
) -> list[Difference]:
    """Compare what was recorded at the last deploy with what is configured."""
    keys = [each.config for each in SECRETS]
    unknown = sorted((set(configured) | set(recorded)) - set(keys))
    found = []
    for key in [*keys, *unknown]:
        if what := _what(configured.get(key), recorded.get(key)):
            found.append(Difference(where="record", name=key, what=what))
    return found


def _of_function(expected: Mapping[str, str], held: Held) -> Iterator[Difference]:
    """Compare one version of a function."""
    where = f"{held.service.name}:{held.version}"
    settings = set(held.service.settings)
    for secret in SECRETS:
        if secret.setting not in settings:
            continue
        what = _what(expected.get(secret.config), held.digests.get(secret.config))
        if what:
            yield Difference(where=where, name=secret.setting, what=what)
    # Whatever the catalog does not declare was put there by hand, secret or not.
    for name in sorted(held.names - settings):
        yield Difference(where=where, name=name, what="extra")


def _what(wanted: str | None, found: str | None) -> What | None:
    """Tell two digests apart; ``None`` is a secret that is not set."""
    if wanted == found:
        return None
    if found is None:
        return "missing"
    return "extra" if wanted is None else "changed"
