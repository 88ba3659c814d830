"""The AWS emulator as a part of the local stack.

It executes the services' code. It runs with an environment of its own, bound to the
loopback interface, and not as root where another account can read its files.
"""

import os
import shutil
import signal
from pathlib import Path

from deploy.errors import DeployError
from deploy.local.accounts import FUNCTION_ACCOUNTS, Account, unprivileged
from deploy.local.facts import LocalStack
from deploy.local.parts import (
    Part,
    ask,
    log_path,
    mark,
    settle_by_probe,
)
from deploy.local.ports import LOOPBACK
from deploy.local.processes import Process, Program, spawn
from deploy.paths import REPOSITORY

NAME = "emulator"
VENV_VARIABLE = "KILOSCALE_EMULATOR_VENV"

# SIGTERM waits for the invocations that run, up to their timeout; what they leave
# undone is in the outbox.
SHUTDOWN = ((signal.SIGTERM, 5.0),)


def emulator_venv() -> Path:
    """Give the emulator's virtual environment.

    Raises:
        DeployError: The emulator is not installed there.
    """
    named = os.environ.get(VENV_VARIABLE)
    venv = Path(named) if named else REPOSITORY / ".venv-emulator"
    if not (venv / "bin" / "ministack").exists():
        raise DeployError(
            f"{venv}: the AWS emulator is not installed there"
            + (f" ({VENV_VARIABLE})" if named else ""),
            remedy="./bootstrap --list",
        )
    return venv


def runs_as(venv: Path, home: Path) -> Account | None:
    """Choose who runs the functions' code; ``None`` for the current user."""
    account = unprivileged(FUNCTION_ACCOUNTS)
    if account is None:
        return None
    package = next(venv.glob("lib/python*/site-packages/ministack/app.py"))
    python = (venv / "bin" / "python").resolve()
    able = (
        account.may("x", home)
        and account.may("x", python)
        and account.may("r", package)
    )
    return account if able else None


def environment(stack: LocalStack, folder: Path) -> dict[str, str]:
    """Give the whole environment; the functions' processes inherit it.

    They get keys of their role in place of the administrator's.
    """
    name, _, value = mark(stack, NAME).partition("=")
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(stack.emulator_port),
        "MINISTACK_REGION": stack.region,
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": stack.access_key_id,
        "AWS_SECRET_ACCESS_KEY": stack.secret_access_key,
        "PERSIST_STATE": "0",
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "s3"),
        # Both listen on ports of their own, on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # It would remove containers that another emulator of the machine owns.
        "DOCKER_HOST": f"unix://{folder / 'no-docker'}",
        name: value,
    }


def _launch(stack: LocalStack) -> Process:
    venv = emulator_venv()
    home = stack.home or stack.state
    account = runs_as(venv, home)
    folder = _empty(home / NAME, account)
    return spawn(
        Program(
            argv=[str(venv / "bin" / "python"), "-P", "-m", "ministack"],
            environment=environment(stack, folder),
            folder=folder,
            log=log_path(stack.state, NAME),
            account=account,
        )
    )


def _empty(folder: Path, account: Account | None) -> Path:
    """Make the folder afresh: its state is in memory, these are unpacked zips."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in (folder, folder / "tmp"):
        path.mkdir(mode=0o700)
        if account:
            os.chown(path, account.uid, account.gid)
    return folder


def _probe(stack: LocalStack) -> str:
    health = ask(f"{stack.emulator_url}/_ministack/health")
    version, iam = health.get("version"), health.get("auth")
    # Worth saying: whoever reaches the port can run code as this account.
    account = ((stack.home or stack.state) / NAME).owner()
    return f"ministack {version}, IAM {iam}, as {account}"


EMULATOR = Part(
    name=NAME,
    port=lambda stack: stack.emulator_port,
    launch=_launch,
    settle=lambda stack, process: settle_by_probe(NAME, _probe, stack, process),
    probe=_probe,
    shutdown=SHUTDOWN,
)
