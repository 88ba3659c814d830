"""Show the plan, or how far a conversion is."""

from collections.abc import Iterator

from deploy.checklist import Result, Status
from deploy.migrations.session import Connection
from deploy.partitioning import facts, judging, state
from deploy.partitioning.commands import Choice

REMEDY = "./bootstrap db.partition --phase "

MEANS = {
    "shadowed": "the empty shadow is made, changes are not noted yet",
    "copying": "rows are being copied, changes are noted",
    "copied": "all rows are copied, not compared yet",
    "verified": "both tables are equal, ready for the swap",
    "swapped": "messages is partitioned, the old table is kept for the way back",
    "returned": "messages is the old table again, the partitions can be removed",
}


def show(conn: Connection, options: Choice) -> Iterator[Result]:
    """Yield the plan of a conversion that has not begun, else its state."""
    found = state.read(conn)
    if found is not None:
        yield _standing(found)
        return
    known = facts.look(conn)
    results = list(judging.judge(known, options.partitions, options.load))
    yield from results
    if known.is_partitioned or known.obstacles:
        return
    against = judging.advice_against(known)
    yield Result(
        id="plan.advice",
        title=f"advised against: {'; '.join(against)}"
        if against
        else "nothing speaks against it",
        status=Status.WARN if against else Status.PASS,
        evidence={"against": list(against)},
        planned=options.phase == "prepare",
        remedy=f"{REMEDY}prepare{' --anyway' if against else ''}",
    )


def _standing(found: state.State) -> Result:
    """Say how far a conversion is and what comes next."""
    share = f", {found.share * 100:.0f} % copied" if found.phase == "copying" else ""
    lag = f", {found.lag:,} noted changes to apply" if found.lag else ""
    phase = state.NEXT[found.phase]
    return Result(
        id="plan.state",
        title=f"{found.phase}: {MEANS[found.phase]}{share}{lag}",
        status=Status.PASS,
        evidence={
            "phase": found.phase,
            "partitions": found.partitions,
            "rows_copied": found.rows_copied,
            "restarts": found.restarts,
            "lag": found.lag,
        },
        remedy=f"{REMEDY}{phase}",
    )
