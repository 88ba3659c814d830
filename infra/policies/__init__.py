"""Rules that the stack must keep, checked on the inputs that the program gives.

They are plain functions: pytest runs them over what mocks recorded, of an update and of
a preview. What is unknown in a preview is not judged.
"""

from collections.abc import Iterator, Sequence

from infra.policies import (
    access,
    alarms,
    capacity,
    data,
    delivery,
    documents,
    functions,
    leaks,
    names,
    references,
    schedules,
    watching,
)
from infra.policies.resources import Finding, Resources, Rule

RULES: tuple[Rule, ...] = (
    *access.RULES,
    *alarms.RULES,
    *data.RULES,
    *delivery.RULES,
    *documents.RULES,
    *capacity.RULES,
    *functions.RULES,
    *leaks.RULES,
    *names.RULES,
    *references.RULES,
    *schedules.RULES,
    *watching.RULES,
)


def check(resources: Resources) -> Sequence[Finding]:
    """Apply every rule; give what breaks one, in a stable order."""

    def findings() -> Iterator[Finding]:
        for rule in RULES:
            yield from rule(resources)

    return sorted(findings())
