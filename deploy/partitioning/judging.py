"""Judge a plan: is it possible, is it worth it, what does it cost."""

from collections.abc import Iterator

from deploy.amounts import size
from deploy.checklist import Result, Status
from deploy.partitioning.facts import Facts

WORTH_ROWS = 50_000_000
"""Below it one table with the archive's watermark is as good (docs/partitioning.md)."""

ROWS_PER_S = 15_000
"""Copied, indexed, checked and compared at full load, on two cores that did other work
too (measured 2026-11-26, docs/partitioning.md); a database of one's own differs."""

REALTIME = "supabase_realtime"


def advice_against(facts: Facts) -> tuple[str, ...]:
    """Say why it should not be done, if it should not; empty if nothing speaks so."""
    reasons = []
    if facts.rows < WORTH_ROWS:
        reasons.append(f"{facts.rows:,} rows, it pays from about {WORTH_ROWS:,}")
    if REALTIME in facts.publications:
        reasons.append(
            f"publication {REALTIME} sends messages: subscriptions to postgres_changes"
            " of public.messages get nothing from partitions"
        )
    if facts.conflicts:
        reasons.append(
            f"{len(facts.conflicts)} routine(s) use ON CONFLICT on a key that is lost"
        )
    return tuple(reasons)


def judge(facts: Facts, partitions: int, load: int) -> Iterator[Result]:
    """Yield what a person should know before they begin."""
    if facts.is_partitioned:
        yield Result(
            id="plan.done",
            title="public.messages is partitioned already",
            status=Status.PASS,
        )
        return
    yield _size(facts, partitions, load)
    yield _worth(facts)
    yield _keys(facts)
    yield _realtime(facts)
    yield _bound(facts)
    if not facts.obstacles:
        yield Result(
            id="plan.obstacles",
            title="nothing stands in the way",
            status=Status.PASS,
        )
    for name, text in facts.obstacles:
        yield Result(
            id=f"plan.{name}",
            title=f"stands in the way: {text}",
            status=Status.FAIL,
            evidence={"obstacle": name},
        )


def needed_bytes(facts: Facts) -> int:
    """Estimate the disk that a conversion needs, in bytes.

    The table again, and half of it for WAL until the next checkpoint and for notes.
    """
    return int((facts.table_bytes + facts.index_bytes) * 1.5)


def _size(facts: Facts, partitions: int, load: int) -> Result:
    minutes = facts.rows / ROWS_PER_S * 100 / load / 60
    return Result(
        id="plan.size",
        title=f"{facts.rows:,} rows into {partitions} partitions: about"
        f" {max(minutes, 0.1):.1f} min at --load {load}, and"
        f" {size(needed_bytes(facts))} of free disk, which SQL cannot see: look"
        " yourself",
        status=Status.PASS,
        evidence={
            "rows": facts.rows,
            "table_bytes": facts.table_bytes,
            "index_bytes": facts.index_bytes,
            "needed_bytes": needed_bytes(facts),
            "rows_per_s_assumed": ROWS_PER_S,
        },
    )


def _worth(facts: Facts) -> Result:
    if facts.rows >= WORTH_ROWS:
        return Result(
            id="plan.worth",
            title=f"{facts.rows:,} rows: partitions pay from about {WORTH_ROWS:,}",
            status=Status.PASS,
        )
    return Result(
        id="plan.worth",
        title=f"not worth it yet: {facts.rows:,} rows, it pays from about"
        f" {WORTH_ROWS:,}; at 2 million a history read gains 0.02 ms and an insert"
        " loses 5 %",
        status=Status.WARN,
        evidence={
            "rows": facts.rows,
            "history_ms": {"plain": 0.037, "partitions": 0.017},
            "inserts_per_s": {"plain": 13_921, "partitions": 13_262},
        },
        remedy="./bootstrap db.archive",
    )


def _keys(facts: Facts) -> Result:
    lost = [*facts.weakened, *facts.conflicts]
    title = (
        "unique within a conversation only, since a key must contain chat_id: id"
        + "".join(f", {name}" for name in facts.weakened)
        + "; an upsert of the app on (id) or (client_msg_id) alone fails: use a"
        " target-less ON CONFLICT DO NOTHING, or name chat_id too"
    )
    if facts.conflicts:
        title += f"; found in {', '.join(facts.conflicts)}"
    return Result(
        id="plan.keys",
        title=title,
        status=Status.WARN,
        evidence={"weakened": lost, "routines": list(facts.conflicts)},
    )


def _realtime(facts: Facts) -> Result:
    if REALTIME not in facts.publications:
        return Result(
            id="plan.publications",
            title="no subscription to postgres_changes of messages is possible here,"
            " none will be lost"
            if not facts.publications
            else f"published by {', '.join(facts.publications)}; they will publish by"
            " the name of messages, not of its partitions",
            status=Status.PASS,
            evidence={"publications": list(facts.publications)},
        )
    return Result(
        id="plan.publications",
        title=f"{REALTIME} has messages: its decoder, wal2json, names the partition"
        " and not messages, so postgres_changes stops; move the app to broadcast"
        " (user-realtime:<user id>) first",
        status=Status.WARN,
        evidence={
            "publications": list(facts.publications),
            "source": "github.com/eulerto/wal2json/issues/259",
        },
    )


def _bound(facts: Facts) -> Result:
    return Result(
        id="plan.bound",
        title=f"bound again at the swap: {', '.join(facts.dependents) or 'nothing'};"
        " foreign keys that become triggers:"
        f" {', '.join(facts.references) or 'none'}",
        status=Status.PASS,
        evidence={
            "dependents": list(facts.dependents),
            "references": list(facts.references),
        },
    )
