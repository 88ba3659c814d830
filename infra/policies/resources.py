"""The resources that rules look at."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pulumi.output import Unknown

SECRET = "4dabf18193072939515e22adb298388d"  # noqa: S105  # a marker, not a secret
"""Key of the wrapper of a secret in what mocks get (pulumi SDK, ``rpc.py``)."""


POOLER_ROOM = 150
"""Clients of the pooler for the functions of a stack on the smallest computes: 200 less
50 for the app itself (Supabase docs, "Compute and disk", 2026-11)."""


class Finding(NamedTuple):
    """One broken rule.

    Attributes:
        resource: Name of the resource in the program.
        rule: Name of the rule's function.
        what: What is wrong, and what follows from it.
    """

    resource: str
    rule: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Registered:
    """One resource as the program declared it.

    Attributes:
        type: Pulumi's type token.
        name: Name in the program.
        inputs: Its inputs, secrets wrapped, unknown values as `Unknown`.
        outputs: What was given back for it.
    """

    type: str
    name: str
    inputs: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def get(self, key: str) -> Any:
        """Give an input, out of its wrapper; ``None`` if it is absent."""
        value: Any = self.inputs.get(key)
        return value["value"] if is_secret(value) else value

    def is_unknown(self, key: str) -> bool:
        """Whether an input will only be known after an update."""
        return isinstance(self.inputs.get(key), Unknown)

    def finding(self, rule: Callable[..., object], what: str) -> Finding:
        """Report a broken rule."""
        return Finding(self.name, rule.__name__, what)


class Resources(list[Registered]):
    """All resources of a program.

    Attributes:
        outputs: The stack's outputs, as far as they are known.
        secrets: Secret values of the configuration, as far as they are known.
        pooler_room: Clients of the database's pooler that the functions may take.
    """

    def __init__(
        self,
        resources: Iterable[Registered] = (),
        *,
        outputs: Mapping[str, Any] | None = None,
        secrets: Collection[str] = (),
        pooler_room: int = POOLER_ROOM,
    ) -> None:
        super().__init__(resources)
        self.outputs = outputs or {}
        self.secrets = secrets
        self.pooler_room = pooler_room

    def but(self, resources: Iterable[Registered]) -> "Resources":
        """Give other resources of the same stack."""
        return Resources(
            resources,
            outputs=self.outputs,
            secrets=self.secrets,
            pooler_room=self.pooler_room,
        )

    def of(self, kind: str) -> Iterator[Registered]:
        """Give those of a type.

        Args:
            kind: Its token; of AWS, without ``aws:``, e.g. ``sqs/queue:Queue``.
        """
        return (each for each in self if each.type in (kind, f"aws:{kind}"))

    def find(self, kind: str, **outputs: object) -> Registered | None:
        """Give the one of a type that has these outputs."""
        for each in self.of(kind):
            if all(each.outputs.get(key) == value for key, value in outputs.items()):
                return each
        return None


Rule = Callable[[Resources], Iterator[Finding]]


def is_secret(value: object) -> bool:
    """Whether a value is kept encrypted in the stack's state."""
    return isinstance(value, Mapping) and SECRET in value


def is_known(value: object) -> bool:
    """Whether a value, with all that it holds, is known in a preview."""
    if isinstance(value, Mapping):
        return all(is_known(item) for item in value.values())
    if isinstance(value, list):
        return all(is_known(item) for item in value)
    return not isinstance(value, Unknown)


def statements(policy: Registered, key: str = "policy") -> list[dict[str, Any]]:
    """Give the statements of a policy document; none if it is unknown."""
    if policy.is_unknown(key) or not policy.get(key):
        return []
    found = json.loads(policy.get(key))["Statement"]
    several = found if isinstance(found, list) else [found]
    # What a statement leaves out, such as the action beside a NotAction, is empty.
    return [{"Effect": "Deny", "Action": [], "Resource": [], **one} for one in several]


def several(value: str | list[str]) -> list[str]:
    """Give one or more texts as a list: IAM accepts both."""
    return [value] if isinstance(value, str) else value


def may(resources: Resources, role: object, action: str, resource: object) -> bool:
    """Whether a role's own policies allow an action; yes if one is unknown."""
    allowed = False
    for policy in resources.of("iam/rolePolicy:RolePolicy"):
        if policy.get("role") != role:
            continue
        if policy.is_unknown("policy"):
            return True
        for statement in statements(policy):
            if action in several(statement["Action"]) and resource in several(
                statement["Resource"]
            ):
                if statement["Effect"] != "Allow":
                    return False
                allowed = True
    return allowed
