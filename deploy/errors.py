"""Errors that end a task, and the exit codes of every task.

The text of each error says what is wrong, where and with which value, then the
consequence, then the next command. Its first line is complete by itself.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a task's exit status means; the same for every task."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    AUTH = 3
    FAILED = 4
    HALF_DONE = 5
    CHANGES = 6
    NOT_VERIFIED = 7
    PENDING = 8
    LOCKED = 75
    INTERRUPTED = 130


class DeployError(Exception):
    """A failure that the operator can act on; shown without a traceback.

    Attributes:
        exit_code: Exit status of the task that it ends.
        remedy: The one command that goes on from here, or ``None``.
        evidence: What was seen, for ``--json``; never a secret or a connection URI.
    """

    exit_code: ExitCode = ExitCode.FAILED

    def __init__(
        self,
        message: str,
        *,
        remedy: str | None = None,
        evidence: dict[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.evidence = evidence or {}


class UsageError(DeployError):
    """An argument or a configuration value is wrong."""

    exit_code = ExitCode.USAGE


class AuthError(DeployError):
    """Credentials are missing or refused."""

    exit_code = ExitCode.AUTH


class HalfDoneError(DeployError):
    """Part of the work is committed and the rest is not; running again goes on."""

    exit_code = ExitCode.HALF_DONE


class InterruptedRunError(DeployError):
    """Somebody ended the task, with Ctrl-C for instance."""

    exit_code = ExitCode.INTERRUPTED


class LockedError(DeployError):
    """Somebody else holds the lock."""

    exit_code = ExitCode.LOCKED
