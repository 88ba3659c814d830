"""Read a service's environment into its typed settings."""

from collections.abc import Mapping, Sequence


class SettingsError(ValueError):
    """An environment variable is missing or unreadable; names all of them at once."""


class Environment:
    """Reads variables one by one and reports every problem together.

    Args:
        variables: What ``os.environ`` holds; a test gives a dict.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    def text(self, name: str) -> str:
        """Give an optional variable; an absent one is the empty string."""
        return self._variables.get(name, "").strip()

    def required(self, name: str) -> str:
        """Give a variable that must not be empty."""
        value = self.text(name)
        if not value:
            self._problems.append(f"{name} is not set")
        return value

    def integer(self, name: str, *, low: int = 0) -> int:
        """Give a whole number of at least ``low``."""
        value = self.text(name)
        try:
            number = int(value)
        except ValueError:
            number = low - 1
        if number < low:
            self._problems.append(
                f"{name} must be a whole number from {low} up, got {value!r}"
            )
        return number

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """Give one of some texts."""
        value = self.text(name)
        if value not in allowed:
            self._problems.append(
                f"{name} must be one of {', '.join(allowed)}, got {value!r}"
            )
        return value

    def items(self, name: str) -> tuple[str, ...]:
        """Give the non-empty parts of a comma-separated variable."""
        parts = (part.strip() for part in self.text(name).split(","))
        return tuple(part for part in parts if part)

    def problem(self, text: str) -> None:
        """Note a problem that only the reader of a variable can see."""
        self._problems.append(text)

    def check(self) -> None:
        """Raise if any variable that was read is missing or unreadable.

        Raises:
            SettingsError: Names each variable; never the value of a text.
        """
        if self._problems:
            raise SettingsError("environment: " + "; ".join(self._problems))
