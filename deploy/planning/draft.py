"""A plan in the making."""

from dataclasses import dataclass, field

from deploy.planning import ledger
from deploy.planning.changes import Change
from deploy.planning.cost import Estimate
from deploy.planning.engine_preview import Preview
from deploy.planning.linting import Found, Linter
from deploy.planning.programs import Declaration
from deploy.planning.stackfile import Stackfile
from infra.catalog.loads import LOADS
from infra.policies import RULES

SIZE_KEY = "users"
"""Configuration key of the number of users that a stack is meant for."""


@dataclass(kw_only=True)
class Draft:
    """A plan in the making: each step adds its part.

    Attributes:
        linter: Gets ready beside everything else.
        config: The stack's configuration.
        declaration: What the program declares.
        preview: What the engine says, or that it was not asked.
        last: What the last deploy declared.
        changes: What differs from it.
        estimates: What a month costs, by number of users.
        found: What the linter said.
        findings: Everything that rules and linter found, a line each.
    """

    linter: Linter
    config: Stackfile | None = None
    declaration: Declaration | None = None
    preview: Preview = field(default_factory=Preview)
    last: ledger.Document | None = None
    changes: list[Change] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)
    found: Found = field(default_factory=Found)
    findings: list[str] = field(default_factory=list)

    @property
    def declared(self) -> Declaration:
        """What the program declares; the first steps have run."""
        if self.declaration is None:
            raise RuntimeError("the program has not been recorded yet")
        return self.declaration

    @property
    def users(self) -> int:
        """The number of users whose load is shown line by line."""
        known = {str(load.users): load.users for load in LOADS}
        given = self.config.value(SIZE_KEY) if self.config else ""
        return known.get(given, LOADS[0].users)

    @property
    def rules(self) -> list[str]:
        """The names of the rules that are applied."""
        return [rule.__name__ for rule in RULES]
