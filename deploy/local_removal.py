"""The tasks ``local.reset`` and ``local.destroy``, which delete."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy import console
from deploy.checklist import Result, Status
from deploy.deployment import LOCAL, Deployment
from deploy.errors import UsageError
from deploy.local_commands import local_task
from deploy.paths import REPOSITORY, state_dir
from deploy.run import ending

MADE_HERE = ("dist", ".venv-emulator", ".venv")
"""What ``./bootstrap`` and a deploy make in the repository, besides the state."""


def reset(*, as_json: bool, dry_run: bool, yes: bool) -> int:
    """Stop and delete everything of the local stack; ask first on a terminal."""
    return _delete("local.reset", _data, as_json=as_json, dry_run=dry_run, yes=yes)


def destroy(*, as_json: bool, dry_run: bool, yes: bool) -> int:
    """Delete the local stack and all that Kiloscale made beside the repository's files.

    What a package manager installed stays, and is named.
    """

    def body(deployment: Deployment) -> Iterator[Result]:
        yield from _data(deployment)
        console.rehearse()
        for folder in MADE_HERE:
            yield _removed(REPOSITORY / folder, dry_run=dry_run)
        yield Result(
            id="local.packages",
            title="PostgreSQL and pg_cron stay installed: other programs may use them",
            status=Status.PASS,
        )

    return _delete("local.destroy", body, as_json=as_json, dry_run=dry_run, yes=yes)


def _delete(
    name: str,
    body: Callable[[Deployment], Iterator[Result]],
    *,
    as_json: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Run a task that deletes, once nobody objects."""
    state = state_dir()
    with ending(name, LOCAL, as_json=as_json):
        if state.exists() and not (dry_run or yes) and console.asks():
            _ask_reset(state)
    return local_task(name, body, as_json=as_json, dry_run=dry_run)


def _data(deployment: Deployment) -> Iterator[Result]:
    """Stop the stack and delete its data, unless it is being deployed."""
    from deploy.deploylock import held
    from deploy.local import stack

    state = deployment.state
    exists = state.exists()
    if exists and not deployment.dry_run:
        with held(deployment):
            stack.reset(state, deployment.progress)
    verb = "would stop the stack and delete" if deployment.dry_run else "deleted"
    yield Result(
        id="local.data",
        title=f"{verb} {state} with its database; this cannot be undone"
        if exists
        else f"nothing to delete: {state} does not exist",
        status=Status.PASS,
        evidence={"state": str(state), "existed": exists},
        changed=exists and not deployment.dry_run,
        planned=exists and deployment.dry_run,
    )


def _removed(folder: Path, *, dry_run: bool) -> Result:
    """Delete a folder that ``./bootstrap`` or a deploy makes again."""
    exists = folder.exists()
    if exists and not dry_run:
        shutil.rmtree(folder)
    verb = "would delete" if dry_run else "deleted"
    return Result(
        id=f"local.{folder.name}",
        title=f"{verb} {folder}; ./bootstrap makes it again" if exists else "not there",
        status=Status.PASS,
        changed=exists and not dry_run,
        planned=exists and dry_run,
    )


def _ask_reset(state: Path) -> None:
    """Ask whether the data may go.

    Raises:
        UsageError: The answer was not ``delete``; nothing was changed.
    """
    answer = console.ask(f"Type delete to delete {state} and the database in it:")
    if answer != "delete":
        raise UsageError(
            f"{answer!r} is not 'delete': nothing was changed",
            remedy="./bootstrap local.reset --dry-run",
        )
