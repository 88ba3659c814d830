"""The Pulumi CLI: found, new enough, and run so that an update can be cancelled."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pulumi.automation import CommandResult, OnOutput, PulumiCommand
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from deploy.errors import UsageError

OLDEST = VersionInfo.parse("3.206.0")
"""From this version on the engine streams its events over gRPC, which the Automation
API asks of it (pulumi 3.272, ``automation/_stack.py``, ``_setup_event_log``)."""

INSTALL = "curl -fsSL https://get.pulumi.com | sh"
"""The official installer; it is offered and never run."""

DOCUMENTATION = "https://www.pulumi.com/docs/install/"
VERSION_TIMEOUT_S = 30.0
SIGNALS = (signal.SIGINT, signal.SIGTERM)

CANCELS = (
    "cancelling: what has begun ends first; Ctrl-C again stops at once and may leave"
    " resources that the state does not know"
)


class Cli(PulumiCommand):
    """Runs the CLI in a session of its own, so that Ctrl-C reaches it only once.

    In the terminal's own group it would be told by the terminal and by us, and the
    second signal ends it at once, with resources that its state does not know.

    Attributes:
        say: Told when a cancellation begins.
    """

    def __init__(self, command: str, version: VersionInfo) -> None:
        # Not the inherited constructor: it runs the CLI again and raises what nobody
        # but a programmer can read.
        self.command = command
        self.version = version
        self.say: Callable[[str], None] = lambda _: None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
    ) -> CommandResult:
        """Run a command to its end, cancelled or not.

        Raises:
            CommandError: It failed.
            KeyboardInterrupt: It was cancelled; it has ended by then.
        """
        process = subprocess.Popen(
            [self.command, "--non-interactive", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=_environment(self.command, additional_env),
            encoding="utf-8",
            # A reader that stops at a byte that is no text would leave the CLI waiting.
            errors="replace",
            start_new_session=True,
        )
        out, err = _Lines(process.stdout, on_output), _Lines(process.stderr, on_error)
        with _passing_on(process, self.say) as interrupts:
            process.wait()
        result = CommandResult(out.text(), err.text(), process.returncode)
        if interrupts:
            raise KeyboardInterrupt
        if process.returncode:
            raise create_command_error(result)
        return result


class _Lines:
    """Collects a stream's lines in a thread of its own."""

    def __init__(self, stream: IO[str] | None, on_line: OnOutput | None) -> None:
        self._lines: list[str] = []
        self._on_line = on_line
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream or open(os.devnull) as stream:  # noqa: PTH123 - a stream
            for line in stream:
                self._lines.append(line.rstrip())
                if self._on_line:
                    self._on_line(self._lines[-1])

    def text(self) -> str:
        """Give all lines, once the stream has ended."""
        self._thread.join()
        return "\n".join(self._lines)


@contextmanager
def _passing_on(
    process: "subprocess.Popen[str]", say: Callable[[str], None]
) -> Iterator[list[int]]:
    """Pass each Ctrl-C on to the CLI instead of ending here; yields what came.

    The engine cancels at the first one and ends at once at the second. A handler and
    no exception: one that came while another is handled would leave the CLI alone.
    """
    came: list[int] = []

    def pass_on(number: int, _: object) -> None:
        came.append(number)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        if len(came) == 1:
            say(CANCELS)

    if threading.current_thread() is not threading.main_thread():
        yield came  # only the main thread gets signals, and may ask for them
        return
    before = {each: signal.signal(each, pass_on) for each in SIGNALS}
    try:
        yield came
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _environment(command: str, additional: Mapping[str, str]) -> dict[str, str]:
    """Give the environment: the plugins bundled with the CLI come first."""
    folder = str(Path(command).parent)
    path = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])
    automation = {"PULUMI_AUTOMATION_API": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"}
    return {**os.environ, **additional, **automation, "PATH": path}


def where() -> str | None:
    """Find the CLI: on the path, or where the official installer puts it."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    installed = home / "bin" / "pulumi"
    return shutil.which("pulumi") or shutil.which(str(installed))


def find() -> Cli:
    """Give the CLI.

    Raises:
        UsageError: It is not installed, does not run, or is too old.
    """
    command = where()
    if command is None:
        raise UsageError(
            "the Pulumi CLI is not installed, and a cloud stack is provisioned by it;"
            f" nothing was changed ({DOCUMENTATION})",
            remedy=f"{INSTALL}, then open a new shell",
        )
    version = _version(command)
    if version < OLDEST:
        raise UsageError(
            f"{command}: Pulumi {version} is too old: {OLDEST} or later is needed,"
            " which tells of each resource as it goes; nothing was changed",
            remedy=INSTALL,
        )
    return Cli(command, version)


def _version(command: str) -> VersionInfo:
    """Ask the CLI for its version.

    Raises:
        UsageError: It does not run, or says nothing that is one.
    """
    try:
        done = subprocess.run(
            [command, "version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=VERSION_TIMEOUT_S,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
        )
        return VersionInfo.parse(done.stdout.strip().removeprefix("v"))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise UsageError(
            f"{command}: does not tell its version ({error}); nothing was changed",
            remedy=f"{command} version",
        ) from error
