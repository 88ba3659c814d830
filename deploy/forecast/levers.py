"""What would help: each step, what it frees, what it costs, and its command."""

from collections.abc import Mapping, Sequence

from deploy.forecast import freeing
from deploy.forecast.lever import Lever
from deploy.forecast.measures import Measured
from infra.catalog.hosting import DISK
from infra.catalog.limits import GIB, PlanLimit
from infra.catalog.unit_price import EVERYWHERE

TOGETHER = "together"


def of_database(
    found: Mapping[str, Measured], limit: PlanLimit, logs_per_day: float, suffix: str
) -> list[Lever]:
    """List the steps for the database's size.

    Args:
        found: What `deploy.forecast.measures` saw.
        limit: The limit.
        logs_per_day: Growth of the logs, in bytes a day.
        suffix: What a command appends for the stack.
    """
    free = [
        freeing.archive(found["archivable"], suffix),
        freeing.logs(found["logs"], logs_per_day, suffix),
        freeing.bloat(found["bloat"], limit),
        freeing.indexes(found["indexes"]),
    ]
    return [
        *free,
        *_together([each for each in free if each.helps]),
        freeing.hard_delete(found["deletable"], suffix),
        larger_disk(limit, suffix),
    ]


def _together(free: Sequence[Lever]) -> list[Lever]:
    """Take all steps that are free and lose nothing as one, if there are several."""
    if len(free) < 2:
        return []
    names = ", ".join(each.id for each in free)
    return [
        Lever(
            id=TOGETHER,
            does=f"all of these: {names}",
            bytes=sum(each.bytes for each in free),
            returned=sum(each.returned for each in free),
            takes=max(each.takes for each in free),
            per_day=sum(each.per_day for each in free),
            locks="; ".join(each.locks for each in free if each.locks),
            basis="the sum of the steps",
        )
    ]


def larger_disk(limit: PlanLimit, suffix: str) -> Lever:
    """Double the disk, or take what is included if that is more."""
    gib = max(round(2 * limit.limit / GIB), int(DISK.free))
    price = DISK.usd[EVERYWHERE]
    paid = max(gib - DISK.free, 0) - max(limit.limit / GIB - DISK.free, 0)
    stack = suffix or " --stack local"
    return Lever(
        id="larger-disk",
        does=f"a disk of {gib} GiB",
        limit=gib * GIB,
        usd_month=paid * price,
        command=f"pulumi config set planDatabaseGib {gib}{stack}",
        basis=f"Supabase, Pro: {DISK.free:.0f} GB included, then {price} USD a GB and"
        f" month ({DISK.read[EVERYWHERE]})",
    )
