"""What a person typed as the value of an option, checked before anything is touched."""

from deploy.errors import UsageError


def number(option: str, text: str, bounds: tuple[int, int], task: str) -> int:
    """Read a whole number.

    Options of tasks are text, since Invoke ends with a traceback where a number is
    expected and something else is typed.

    Args:
        option: Name of the option, e.g. ``--months``.
        text: What was typed.
        bounds: The least and the most that it may be.
        task: The task, for the next command.

    Raises:
        UsageError: It is none, or out of range.
    """
    low, high = bounds
    digits = text.removeprefix("-")
    # int() also reads " 6 ", "6_0" and digits of other scripts.
    is_number = digits.isascii() and digits.isdigit() and len(digits) < 20
    if is_number and low <= int(text) <= high:
        return int(text)
    given = f"got {text!r}" if text else "nothing was given"
    raise UsageError(
        f"{option} must be a whole number between {low} and {high}, {given};"
        " nothing was changed",
        remedy=f"./bootstrap {task} --help",
    )
