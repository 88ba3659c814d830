"""The size of a stack as its file says: without Pulumi, which takes a second."""

from infra.catalog.alarms import Alarm
from infra.catalog.thresholds import alarms_at
from infra.config_sizes import StackSize
from infra.config_values import Values


def size_of(stack: str) -> StackSize:
    """Give the size of a stack, by the defaults and its file.

    A value that is missing or wrong counts as the default: the program refuses it, and
    says more.
    """
    from deploy import stackfiles

    has_file = stackfiles.path(stack).is_file()
    values = stackfiles.of_stack(stack) if has_file else stackfiles.defaults()
    return StackSize.read(Values.from_pulumi(stack, values, ()))


def alarms_of(stack: str) -> tuple[Alarm, ...]:
    """Give the alarms of a stack, with the thresholds of its plan."""
    return alarms_at(size_of(stack).limits)
