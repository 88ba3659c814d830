"""The local stack as a whole: start, stop, look at it, delete it."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import DeployError
from deploy.local.accounts import CLUSTER_ACCOUNTS, unprivileged
from deploy.local.cluster import PASSAGE
from deploy.local.edge.part import EDGE
from deploy.local.emulator import EMULATOR
from deploy.local.facts import LocalStack, new_stack
from deploy.local.files import private_folder
from deploy.local.locking import LOCK_FILE, locked
from deploy.local.parts import (
    Part,
    PartStatus,
    UnavailableError,
    end_part,
    is_at_home,
    log_path,
    record,
    status_of,
)
from deploy.local.ports import free_port, is_free
from deploy.local.postgres import POSTGRES
from deploy.local.standin import STANDIN

PARTS: tuple[Part, ...] = (POSTGRES, EMULATOR, STANDIN, EDGE)

Progress = Callable[[str], None]

RECORDS = "records"
"""Folder of journals, locks and receipts, below it one for each stack."""

LOCAL_RECORDS = "local"

# Where the data goes that unprivileged accounts own if they cannot enter the state
# folder, as below /root. Not /var/tmp: systemd cleans that after 30 days.
ELSEWHERE = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - mkdtemp below


@dataclass(frozen=True, kw_only=True)
class Started:
    """The stack after a start.

    Attributes:
        stack: Its facts.
        changed: Whether any part had to be started.
        parts: The parts; all run but those that are missing.
    """

    stack: LocalStack
    changed: bool
    parts: tuple[PartStatus, ...]


def start(state: Path, progress: Progress) -> Started:
    """Start what does not run; leave alone what does.

    Args:
        state: The state folder; made if need be.
        progress: Told what takes time.

    Raises:
        DeployError: A part did not start; the others were left running.
    """
    make_state(state)
    with locked(state, progress):
        stack = _complete(LocalStack.load(state) or _new(state, progress))
        before = _look(stack)
        down = _down(stack, before)
        if not down:
            return Started(stack=stack, changed=False, parts=tuple(before.values()))
        for part in down:
            end_part(part, state, stack)
        moved = _settle_ports(stack, down, progress)
        if moved != stack:
            # Who was told the old address has to be told the new one.
            others = [part for part in _down(moved, _look(moved)) if part not in down]
            for part in others:
                end_part(part, state, moved)
            down += others
        changed = _start_parts(down, moved, progress)
        return Started(stack=moved, changed=changed, parts=tuple(_look(moved).values()))


def _down(stack: LocalStack, seen: dict[str, PartStatus]) -> list[Part]:
    """Give the parts that have to be started."""
    return [
        part
        for part in PARTS
        if seen[part.name].is_down
        or (seen[part.name].running and not is_at_home(part, stack))
    ]


def _start_parts(parts: list[Part], stack: LocalStack, progress: Progress) -> bool:
    """Start parts at the same time; raise what failed once all are done.

    Returns:
        Whether any runs that did not before.
    """
    progress(f"starting {', '.join(part.name for part in parts)}")
    began = time.perf_counter()
    failed: list[DeployError] = []
    left_out = 0
    with ThreadPoolExecutor(len(parts)) as pool:
        running: dict[Future[None], Part] = {
            pool.submit(_start_part, part, stack): part for part in parts
        }
        for future in as_completed(running):
            part = running[future]
            try:
                future.result()
            except UnavailableError as exc:
                left_out += 1
                progress(f"{part.name} is left out: {exc}")
            except DeployError as exc:
                failed.append(exc)
            else:
                took = time.perf_counter() - began
                progress(f"{part.name} answers on {part.port(stack)} ({took:.1f} s)")
    if failed:
        raise failed[0]
    return left_out < len(parts)


def _start_part(part: Part, stack: LocalStack) -> None:
    process = part.launch(stack)
    record(stack, part, process)
    part.settle(stack, process)


def stop(state: Path, progress: Progress) -> list[str]:
    """Stop every part; the data stays.

    Returns:
        Names of the parts that ran, in the order in which they were stopped.
    """
    if not state.exists():
        return []
    with locked(state, progress):
        return _stop(state, LocalStack.load(state), progress)


def _stop(state: Path, stack: LocalStack | None, progress: Progress) -> list[str]:
    stopped = []
    for part in reversed(PARTS):  # the database last: the others use it
        if end_part(part, state, stack):
            progress(f"stopped {part.name}")
            stopped.append(part.name)
    return stopped


def status(state: Path) -> tuple[PartStatus, ...]:
    """Look at every part; change nothing, wait for nobody."""
    stack = LocalStack.load(state)
    if stack is None:
        return tuple(
            PartStatus(
                name=part.name,
                running=False,
                pid=None,
                port=None,
                detail=f"no stack in {state}",
                log=log_path(state, part.name),
            )
            for part in PARTS
        )
    return tuple(_look(stack).values())


def _look(stack: LocalStack) -> dict[str, PartStatus]:
    with ThreadPoolExecutor(len(PARTS)) as pool:
        looked = pool.map(lambda part: status_of(part, stack), PARTS)
        return {status.name: status for status in looked}


def reset(state: Path, progress: Progress) -> None:
    """Stop every part and delete all that belongs to the local stack."""
    if not state.exists():
        return
    with locked(state, progress):
        try:
            stack = LocalStack.load(state)
        except DeployError:
            stack = None  # damaged: what it says is lost, what runs is recorded apart
        _stop(state, stack, progress)
        if stack and stack.home and stack.home != state and stack.home.exists():
            shutil.rmtree(stack.home)  # what cannot be deleted must be told
        progress(f"deleting {state}")
        for path in state.iterdir():
            if path.name not in (LOCK_FILE, RECORDS):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        _delete_records(state / RECORDS)
        (state / LOCK_FILE).unlink()
        if not (state / RECORDS).exists():
            state.rmdir()


def _delete_records(records: Path) -> None:
    """Delete the local stack's records; the receipts of cloud stacks stay."""
    if (records / LOCAL_RECORDS).exists():
        shutil.rmtree(records / LOCAL_RECORDS)
    if records.exists() and not any(records.iterdir()):
        records.rmdir()


def make_state(state: Path) -> None:
    """Make the state folder, unless it is there."""
    if not state.exists():
        state.mkdir(parents=True)
        # Root's parts run as others, who must be able to pass through.
        state.chmod(PASSAGE if os.geteuid() == 0 else 0o700)
    private_folder(state / "logs")


def _new(state: Path, progress: Progress) -> LocalStack:
    stack = new_stack(state, home=_choose_home(state, progress))
    stack.save()
    return stack


def _complete(stack: LocalStack) -> LocalStack:
    """Give a stack of an earlier version what it has not yet."""
    whole = stack.with_edge()
    if whole != stack:
        whole.save()
    return whole


def _choose_home(state: Path, progress: Progress) -> Path:
    account = unprivileged(CLUSTER_ACCOUNTS)
    if account is None or account.may("x", state):
        return state
    parent = next(path for path in ELSEWHERE if os.access(path, os.W_OK))
    home = Path(tempfile.mkdtemp(prefix="kiloscale-", dir=parent))
    home.chmod(PASSAGE)
    progress(f"account {account.name} cannot enter {state}: its data goes to {home}")
    return home


def _settle_ports(
    stack: LocalStack, parts: list[Part], progress: Progress
) -> LocalStack:
    """Give each part that is to start its old port, or a free one if it is taken."""
    taken = [part.port(stack) for part in PARTS]
    chosen: dict[str, int] = {}
    for part in parts:
        if not is_free(part.port(stack)):
            chosen[part.name] = free_port([*taken, *chosen.values()])
            progress(
                f"{part.name}: port {part.port(stack)} is taken by another program,"
                f" it gets {chosen[part.name]}"
            )
    if not chosen:
        return stack
    stack = stack.on_ports(
        postgres=chosen.get(POSTGRES.name),
        emulator=chosen.get(EMULATOR.name),
        supabase=chosen.get(STANDIN.name),
        edge=chosen.get(EDGE.name),
    )
    stack.save()
    return stack
