"""The size of a stack as its file says: without Pulumi, which takes a second."""

from deploy.paths import REPOSITORY
from infra.catalog.alarms import Alarm
from infra.catalog.thresholds import alarms_at
from infra.config_sizes import StackSize
from infra.config_values import Values


def size_of(stack: str) -> StackSize:
    """Give the size of a stack, by the defaults and its file.

    A value that is missing or wrong counts as the default: the program refuses it, and
    says more.
    """
    from deploy.emulator.configuration import PROJECT_FILE, defaults, of_file

    path = REPOSITORY / f"Pulumi.{stack}.yaml"
    values = defaults(PROJECT_FILE) | (of_file(path) if path.exists() else {})
    return StackSize.read(Values.from_pulumi(stack, values, ()))


def alarms_of(stack: str) -> tuple[Alarm, ...]:
    """Give the alarms of a stack, with the thresholds of its plan."""
    return alarms_at(size_of(stack).limits)
