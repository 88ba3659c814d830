"""What a job must be before anybody schedules it."""

import re
from datetime import datetime

from deploy.crons.schedule import problem

NAME_BYTES_MAX = 63
"""``cron.job.jobname`` is of type ``name`` before pg_cron 1.5: the rest is cut off."""

QUOTED = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|\$(\w*)\$.*?\$\1\$", re.DOTALL)


def problems(
    jobname: str, schedule: str, command: str, *, now: datetime
) -> dict[str, str]:
    """Give what is wrong with a job, by column of ``cron.job``; empty if nothing is.

    Args:
        jobname: Its name.
        schedule: When it is due.
        command: What pg_cron runs.
        now: Aware time after which it must be due at some time.
    """
    found = {
        "jobname": _name(jobname),
        "schedule": problem(schedule, now),
        "command": _command(command),
    }
    return {column: wrong for column, wrong in found.items() if wrong}


def _name(name: str) -> str | None:
    """Say what is wrong with a name."""
    length = len(name.encode())
    if not name or name != name.strip():
        return f"must be a name without spaces around it, got {name!r}"
    if length > NAME_BYTES_MAX:
        return f"must have at most {NAME_BYTES_MAX} bytes, got {length}: {name}"
    return None


def _command(command: str) -> str | None:
    """Say what is wrong with a command.

    pg_cron sends it as one message, and several statements of one message are one
    transaction, in which a procedure may not commit.
    """
    statements = QUOTED.sub("''", command).strip().removesuffix(";")
    if not statements.strip():
        return "must be one SQL statement, and is empty"
    if ";" in statements:
        return f"must be one SQL statement, got several: {command}"
    return None
