"""Reads raw configuration values and collects every problem with them."""

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from infra.naming import PROJECT

PROVIDER_SECRETS = ("cloudflare:apiToken",)
"""Secrets in the same file that providers read themselves."""

Check = Callable[[str], str | None]
"""Gives what is wrong with a value, or ``None``; a secret is never quoted."""


class ConfigError(ValueError):
    """A stack's configuration is incomplete or wrong; names every value at once.

    Attributes:
        keys: Keys of the values that are missing or wrong.
    """

    def __init__(self, message: str, keys: Collection[str] = ()) -> None:
        super().__init__(message)
        self.keys = frozenset(keys)


@dataclass(kw_only=True)
class Values:
    """The raw values of one stack, and the problems found so far.

    Attributes:
        stack: Name of the stack.
        given: Values by key without the project's prefix; lists as JSON.
        secrets: Keys whose values are stored encrypted.
        problems: What is wrong, each with file and key.
        warnings: What works and should be different, likewise.
        asked: Keys that somebody has asked for; any other is unknown.
        wrong: Keys of the problems.
    """

    stack: str
    given: Mapping[str, str] = field(repr=False)
    secrets: Collection[str]
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)

    def problem(self, key: str, what: str) -> None:
        """Note that a value is missing or wrong."""
        self.problems.append(self._about(key, what))
        self.wrong.add(key)

    def warn(self, key: str, what: str) -> None:
        """Note a value that works and should be another."""
        self.warnings.append(self._about(key, what))

    def _about(self, key: str, what: str) -> str:
        """Say where a value is, and something of it."""
        return f"Pulumi.{self.stack}.yaml: {PROJECT}:{key}: {what}"

    def text(
        self,
        key: str,
        default: str | None = None,
        *,
        check: Check | None = None,
        command: str = "pulumi config set {key} ...",
    ) -> str:
        """Give a text; ``default`` ``None`` means that it must be there."""
        self.asked.add(key)
        value = self.given.get(key, "")
        if not value:
            if default is None:
                self.problem(key, f"missing; run `{command.format(key=key)}`")
            return default or ""
        if check and (wrong := check(value)):
            self.problem(key, wrong)
        return value

    def secret(
        self, key: str, default: str | None = None, *, check: Check | None = None
    ) -> str:
        """Give a text that must be stored encrypted."""
        command = "pulumi config set --secret {key}"
        if key in self.given and key not in self.secrets:
            run = command.format(key=key)
            self.problem(key, f"stored in plain text; rotate it, then run `{run}`")
        return self.text(key, default, check=check, command=command)

    def texts(self, key: str, *, check: Check) -> tuple[str, ...]:
        """Give a list of texts, each checked."""
        raw = self.text(key, command="pulumi config set --path '{key}[0]' ...")
        if not raw:
            return ()
        try:
            items = json.loads(raw)
        except ValueError:
            items = None
        if not isinstance(items, list) or not all(isinstance(i, str) for i in items):
            self.problem(key, f"must be a list of texts, got {raw}")
            return ()
        for item in items:
            if wrong := check(item):
                self.problem(key, wrong)
        return tuple(items)

    def number(self, key: str, allowed: Sequence[int]) -> int:
        """Give a whole number out of some."""
        raw = self.text(key)
        if raw and raw not in {str(number) for number in allowed}:
            choices = ", ".join(map(str, allowed))
            self.problem(key, f"must be one of {choices}, got {raw}")
            return 0
        return int(raw or allowed[0])

    def integer(self, key: str, low: int, high: int) -> int:
        """Give a whole number within a range."""
        raw = self.text(key)
        is_whole = raw.isascii() and raw.isdigit() and len(raw) <= len(str(high))
        if raw and not (is_whole and low <= int(raw) <= high):
            what = f"must be a whole number from {low:,} to {high:,}, got {raw}"
            self.problem(key, what)
            return low
        return int(raw or low)

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """Give a text out of some."""
        raw = self.text(key)
        if raw and raw not in allowed:
            self.problem(key, f"must be one of {', '.join(allowed)}, got {raw}")
        return raw

    def decimal(self, key: str, low: float, high: float) -> float:
        """Give a number within a range."""
        raw = self.text(key)
        try:
            value = float(raw or low)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            self.problem(key, f"must be a number from {low:g} to {high:g}, got {raw}")
        return value

    def boolean(self, key: str) -> bool:
        """Give a truth value."""
        raw = self.text(key)
        if raw and raw not in {"true", "false"}:
            self.problem(key, f"must be true or false, got {raw}")
        return raw == "true"

    def finish(self) -> None:
        """Refuse what was never asked for, then raise if there is any problem.

        Raises:
            ConfigError: Names every value that is missing, wrong or unknown.
        """
        for key in sorted(set(self.given) - self.asked):
            self.problem(key, f"unknown; known are {', '.join(sorted(self.asked))}")
        if self.problems:
            raise ConfigError("\n".join(sorted(self.problems)), self.wrong)

    @classmethod
    def from_pulumi(
        cls, stack: str, config: Mapping[str, str], secrets: Collection[str]
    ) -> Self:
        """Take the project's own keys out of a whole configuration."""
        prefix = f"{PROJECT}:"
        problems = [
            f"Pulumi.{stack}.yaml: {key}: stored in plain text; roll it at Cloudflare,"
            f" then run `pulumi config set --secret {key}`"
            for key in PROVIDER_SECRETS
            if key in config and key not in secrets
        ]
        return cls(
            problems=problems,
            stack=stack,
            given={
                key.removeprefix(prefix): value
                for key, value in config.items()
                if key.startswith(prefix)
            },
            secrets={key.removeprefix(prefix) for key in secrets},
        )


def of_selected_stack() -> Values:
    """Read what the engine, or a test, set for the running program."""
    # Inside, because whoever reads values from a file has no use for it.
    import pulumi

    config = pulumi.runtime.config
    given = {**config.get_config_env(), **config.CONFIG.get()}
    secrets = {key for key in given if pulumi.runtime.is_config_secret(key)}
    secrets.update(config.get_config_secret_keys_env())
    return Values.from_pulumi(pulumi.get_stack(), given, secrets)
