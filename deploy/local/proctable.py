"""What the system says of running processes, read from /proc or, without it, ps."""

import os
import subprocess
from pathlib import Path

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "stat").exists()


def born(pid: int) -> str | None:
    """Say when a process started, in a form that no other process ever has.

    Returns:
        ``<boot id>/<clock ticks since boot>``, or the start time of ``ps`` where
        there is no /proc; ``None`` if no such process runs (a zombie does not).
    """
    return _born_from_proc(pid) if HAS_PROC else _born_from_ps(pid)


def _born_from_proc(pid: int) -> str | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field, the name, may hold spaces and parentheses: proc(5).
    fields = stat.rpartition(")")[2].split()
    if fields[0] in {"Z", "X"}:
        return None
    boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{fields[19]}"


def _born_from_ps(pid: int) -> str | None:
    asked = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],
        env={"PATH": os.defpath, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = asked.stdout.strip().partition(" ")
    return None if not started or state.startswith("Z") else started.strip()


def with_environment(entry: str) -> list[int]:
    """List the processes that were started with ``NAME=value`` in their environment.

    Only those whose environment the current user may read. Without /proc nothing is
    known: the list is empty.
    """
    wanted = entry.encode()
    return [
        pid
        for pid in _pids()
        if wanted in _read_bytes(PROC / str(pid) / "environ").split(b"\0")
    ]


def working_in(folder: Path) -> list[int]:
    """List the processes whose working directory is a folder; empty without /proc."""
    try:
        wanted = folder.stat()
    except FileNotFoundError:
        return []
    found = []
    for pid in _pids():
        try:
            here = (PROC / str(pid) / "cwd").stat()
        except OSError:
            continue
        if os.path.samestat(here, wanted):
            found.append(pid)
    return found


def _pids() -> list[int]:
    if not HAS_PROC:
        return []
    own = os.getpid()
    return [
        int(entry.name)
        for entry in PROC.iterdir()
        if entry.name.isdigit() and int(entry.name) != own
    ]


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
