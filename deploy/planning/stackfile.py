"""A stack's configuration as the engine would give it, read without the engine."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deploy import stackfiles
from deploy.deployment import LOCAL, check_stack
from deploy.emulator import configuration
from deploy.errors import UsageError
from deploy.local.facts import REGION, LocalStack
from deploy.planning.placeholders import placeholder
from infra.naming import PROJECT
from infra.policies.resources import SECRET

SECURE = "secure"
"""The only member of an encrypted value in ``Pulumi.<stack>.yaml``."""

SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"
"""Under `SECRET`, as Pulumi's SDK marks a secret (``rpc.py``)."""

MASK = "<secret>"
NOT_SET = "not set"
"""What a stand-in is made from where nothing is stored."""

SECRET_LENGTH_MIN = 12
"""Shorter secrets are no use to search for: they stand in any text by chance."""


@dataclass(frozen=True, kw_only=True)
class Stackfile:
    """The configuration of a stack.

    Attributes:
        stack: Name of the stack.
        values: Values by full key, e.g. ``kiloscale:supabaseUrl``; lists as JSON.
        secrets: Full keys whose values are secret.
        placeholders: Full keys whose values are made up, since only the engine can
            decrypt what is stored.
        absent: Those of them that nobody has set yet.
    """

    stack: str
    values: Mapping[str, str] = field(repr=False)
    secrets: frozenset[str]
    placeholders: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()

    @property
    def region(self) -> str:
        """The AWS region; the project's default where the stack names none."""
        return self.values.get("aws:region", REGION)

    @property
    def hidden(self) -> list[str]:
        """The secrets' values, the longest first: none may be shown."""
        found = {self.values[key] for key in self.secrets if key in self.values}
        long = [value for value in found if len(value) >= SECRET_LENGTH_MIN]
        return sorted(long, key=len, reverse=True)

    @property
    def providers(self) -> dict[str, dict[str, Any]]:
        """What the providers are given, by provider; secrets wrapped, as mocks get."""
        found: dict[str, dict[str, Any]] = {}
        for full_key, value in sorted(self.values.items()):
            provider, _, key = full_key.partition(":")
            if provider != PROJECT:
                secret = full_key in self.secrets
                given = {SECRET: SIGNATURE, "value": value} if secret else value
                found.setdefault(provider, {})[key] = given
        return found

    def masked(self, text: str) -> str:
        """Take the secrets' values out of a text that is to be shown."""
        for value in self.hidden:
            text = text.replace(value, MASK)
        return text

    def standing_in(self, keys: Collection[str]) -> "Stackfile":
        """Make values up for secrets that nobody has set yet.

        Args:
            keys: Their keys, without the project's prefix.
        """
        made = {f"{PROJECT}:{key}": placeholder(key, NOT_SET) for key in keys}
        return replace(
            self,
            values={**self.values, **made},
            secrets=self.secrets | set(made),
            placeholders=self.placeholders | set(made),
            absent=frozenset(made),
        )

    def value(self, key: str) -> str:
        """Give a value of the project's; empty if it is not set."""
        return self.values.get(f"{PROJECT}:{key}", "")


def read(stack: str, state: Path) -> Stackfile:
    """Read the configuration of a stack.

    The defaults of ``Pulumi.yaml``, then ``Pulumi.<stack>.yaml``. Of the local stack
    also what was made up when it was first started, or made-up values before that.

    Args:
        stack: Name of the stack.
        state: State folder of the local stack.

    Raises:
        UsageError: There is no such stack, or a file is malformed.
    """
    check_stack(stack)
    if stack == LOCAL:
        return _local(LocalStack.load(state), state)
    path = stackfiles.path(stack)
    values = stackfiles.defaults()
    secrets: set[str] = set()
    for key, value in stackfiles.block(path).items():
        if ":" not in key:
            raise UsageError(
                f"{path.name}: config: {key}: must begin with a namespace, as in"
                f" {PROJECT}:{key}; nothing was planned",
                remedy=f"$EDITOR {path.name}",
            )
        shown = _without_ciphertext(key.partition(":")[2], value)
        values[key] = stackfiles.text(shown)
        if shown != value:
            secrets.add(key)
    found = frozenset(secrets)
    return Stackfile(stack=stack, values=values, secrets=found, placeholders=found)


def _without_ciphertext(key: str, value: Any) -> Any:
    """Put a placeholder in the place of each encrypted part of a value."""
    if isinstance(value, dict):
        if set(value) == {SECURE}:
            return placeholder(key, json.dumps(value[SECURE], default=str))
        return {name: _without_ciphertext(key, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_ciphertext(key, item) for item in value]
    return value


def _local(known: LocalStack | None, state: Path) -> Stackfile:
    """Give the local stack's configuration, whether it was ever started or not."""
    found = configuration.of_local(known or _never_started(state))
    return Stackfile(
        stack=LOCAL,
        values=found.values,
        secrets=found.secrets,
        placeholders=frozenset() if known else found.secrets,
    )


def _never_started(state: Path) -> LocalStack:
    """Make up the facts of a local stack that was never started: the same each time."""

    def made_up(name: str) -> str:
        return placeholder(name, "never started")

    role = "postgresql://postgres:{}@127.0.0.1:5432/postgres"
    return LocalStack(
        state=state,
        postgres_port=5432,
        admin_url=role.format(made_up("adminUrl")),
        database_url=role.format(made_up("localDatabaseUrl")),
        emulator_url="http://127.0.0.1:4566",
        region=REGION,
        access_key_id="LOCAL",
        secret_access_key=made_up("secretAccessKey"),
        supabase_url="http://127.0.0.1:54321",
        jwt_secret=made_up("jwtSecret"),
        internal_api_key=made_up("internalApiKey"),
        service_role_key=made_up("supabaseServiceKey"),
    )
