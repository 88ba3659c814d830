"""The phases of a conversion: what each does, from which state it may begin."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from deploy.checklist import Result
from deploy.deployment import Deployment
from deploy.errors import UsageError
from deploy.migrations.session import Connection
from deploy.partitioning import (
    copying,
    ending,
    facts,
    judging,
    notes,
    preparing,
    state,
    swapping,
    verifying,
)
from deploy.partitioning.commands import Choice, passed
from deploy.partitioning.patience import Patience

Phase = Callable[[Connection, Deployment, Choice], Iterator[Result]]

REMEDY = "./bootstrap db.partition --phase "
SET_PHASE = """
update kiloscale.partitioning
   set phase = %(phase)s,
       verified_at = case when %(phase)s = 'verified' then clock_timestamp() end
"""
VACUUM = "vacuum (analyze) kiloscale.messages_shadow"


def _patience(run: Deployment, options: Choice) -> Patience:
    """Give the patience of a run: what it says is told as progress."""
    return Patience(tell=run.progress, hold_ms=options.wait_ms)


def prepare(conn: Connection, run: Deployment, options: Choice) -> Iterator[Result]:
    """Make the shadow, if the plan allows it."""
    if state.read(conn) is not None:
        state.require(conn, "prepare", "shadowed", "copying")
    else:
        known = facts.look(conn)
        _allow(known, options)
    yield from preparing.prepare(conn, options.partitions, _patience(run, options))


def _allow(known: facts.Facts, options: Choice) -> None:
    """Refuse what is impossible, and what is unwise unless it is wanted anyway.

    Raises:
        UsageError: Says all reasons; nothing was changed.
    """
    if known.is_partitioned:
        raise UsageError("public.messages is partitioned already; nothing was changed")
    if known.obstacles:
        reasons = "; ".join(text for _, text in known.obstacles)
        raise UsageError(
            f"in the way of a conversion: {reasons}. Nothing was changed",
            remedy="./bootstrap db.partition",
            evidence={"obstacles": [name for name, _ in known.obstacles]},
        )
    against = judging.advice_against(known)
    if against and not options.anyway:
        raise UsageError(
            f"advised against: {'; '.join(against)}. Nothing was changed",
            remedy=f"{REMEDY}prepare --anyway",
            evidence={"against": list(against)},
        )


def copy(conn: Connection, run: Deployment, options: Choice) -> Iterator[Result]:
    """Copy the rows, apply the notes, build indexes and keys."""
    state.require(conn, "copy", "copying", "copied", "verified")
    conn.execute(SET_PHASE, {"phase": "copying"})
    rows, seconds = copying.copy_rows(conn, options.load, run.progress)
    yield passed(
        "copy",
        "rows",
        f"{rows:,} rows copied in {seconds:.1f} s",
        rows=rows,
        seconds=round(seconds, 1),
    )
    applied = notes.catch_up(conn, run.progress)
    yield passed("copy", "notes", f"{applied:,} noted changes applied", notes=applied)
    names = list(copying.build_indexes(conn, run.progress))
    yield passed("copy", "indexes", f"{len(names)} indexes built", indexes=names)
    checks = copying.add_keys(conn, _patience(run, options))
    yield passed("copy", "keys", f"{checks} foreign keys of partitions checked")
    run.progress("updating the planner's statistics of the partitions")
    conn.execute(VACUUM)
    conn.execute(SET_PHASE, {"phase": "copied"})
    yield replace(
        passed("copy", "statistics", "vacuumed and analysed"),
        remedy=f"{REMEDY}verify",
    )


def verify(conn: Connection, run: Deployment, options: Choice) -> Iterator[Result]:
    """Compare both tables; allow the swap if they are equal."""
    del options
    found = state.require(conn, "verify", "copied", "verified", "swapped")
    same = verifying.compare(conn, run.progress)
    if found.phase != "swapped":
        conn.execute(SET_PHASE, {"phase": "copied" if same.unequal else "verified"})
    following = "finish" if found.phase == "swapped" else "swap"
    yield verifying.result(same, f"{REMEDY}{following}")


def swap(conn: Connection, run: Deployment, options: Choice) -> Iterator[Result]:
    """Change places."""
    yield from swapping.swap(conn, _patience(run, options))


def sync(conn: Connection, run: Deployment, options: Choice) -> Iterator[Result]:
    """Apply what is noted, so that the next phase has little to do."""
    del options
    state.require(conn, "sync", "copied", "verified", "swapped")
    applied = notes.catch_up(conn, run.progress)
    yield passed("sync", "notes", f"{applied:,} noted changes applied", notes=applied)


def back(conn: Connection, run: Deployment, options: Choice) -> Iterator[Result]:
    """Undo the swap."""
    yield from swapping.back(conn, _patience(run, options))


def finish(conn: Connection, run: Deployment, options: Choice) -> Iterator[Result]:
    """Drop the old table."""
    state.require(conn, "finish", "swapped")
    ending.take_down(conn, ending.FINISH, _patience(run, options))
    yield passed(
        "finish",
        "old_table",
        "the old table is dropped: from here only a backup leads back",
    )


def abort(conn: Connection, run: Deployment, options: Choice) -> Iterator[Result]:
    """Remove the shadow and what notes changes; messages is as it was."""
    state.require(
        conn, "abort", "shadowed", "copying", "copied", "verified", "returned"
    )
    ending.take_down(conn, ending.ABORT, _patience(run, options))
    yield passed("abort", "shadow", "the partitions are removed, messages is as it was")


PHASES: dict[str, Phase] = {
    "prepare": prepare,
    "copy": copy,
    "verify": verify,
    "swap": swap,
    "sync": sync,
    "back": back,
    "finish": finish,
    "abort": abort,
}
"""All but ``plan``, which only looks."""
