"""What to think of an index: a verdict, whether it may go, and why (not)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from deploy.amounts import duration
from deploy.inspection.counters import Counters
from deploy.inspection.foreign_keys import ForeignKey, serving
from deploy.inspection.index_facts import Index
from deploy.inspection.index_overlap import covered_by, duplicate_of

SMALL_BYTES = 1024**2
"""Below 1 MiB an index costs neither space nor cache that anybody would notice."""

CONVERTING = (("kiloscale", "messages_shadow"), ("kiloscale", "messages_before"))
"""The other table while db.partition converts messages: nobody reads it, and it may
take the place of messages."""

_CONSTRAINTS = {
    "p": "it backs the primary key",
    "u": "it backs a unique constraint",
    "x": "it backs an exclusion constraint",
}


class Verdict(StrEnum):
    """What an index is."""

    USED = "used"
    NEEDED = "needed"
    UNUSED = "unused"
    EARLY = "too early to tell"
    SMALL = "unused, too small to matter"
    DUPLICATE = "duplicate"
    COVERED = "covered"
    INVALID = "invalid"
    BUILDING = "being built"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An index and what to think of it.

    Attributes:
        index: The index.
        verdict: What it is.
        other: The index that does its work as well.
        keeps: Why it must not be dropped; empty if nothing speaks against it.
        cautions: What to think of before it is dropped all the same.
    """

    index: Index
    verdict: Verdict
    other: Index | None = None
    keeps: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    @property
    def is_droppable(self) -> bool:
        """Whether it is of no use and nothing speaks against dropping it."""
        useless = (Verdict.UNUSED, Verdict.DUPLICATE, Verdict.COVERED)
        return self.verdict in useless and not self.keeps


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What decides about an index besides itself.

    Attributes:
        indexes: All indexes.
        keys: All foreign keys.
        counters: How far the statistics can be trusted.
        declared: Qualified names of the indexes that the migrations build.
        trusted_after: Age from which a count of 0 means something.
    """

    indexes: Sequence[Index]
    keys: Sequence[ForeignKey]
    counters: Counters
    declared: Collection[str]
    trusted_after: timedelta


def judge(index: Index, around: Surroundings) -> Judged:
    """Say what an index is, and whether it may go."""
    if index.builder_pid is not None:
        return Judged(index=index, verdict=Verdict.BUILDING)
    if not index.is_valid:
        return Judged(index=index, verdict=Verdict.INVALID)
    keeps = _keeps(index)
    if not keeps:
        for find, kind in (
            (duplicate_of, Verdict.DUPLICATE),
            (covered_by, Verdict.COVERED),
        ):
            if other := find(index, around.indexes):
                return Judged(
                    index=index,
                    verdict=kind,
                    other=other,
                    keeps=_declared(index, around) if kind is Verdict.COVERED else (),
                    cautions=_cautions(index, around, counted=False),
                )
    if index.scans:
        return Judged(index=index, verdict=Verdict.USED, keeps=keeps)
    keeps += _served_alone(index, around) + _declared(index, around)
    if keeps:
        return Judged(index=index, verdict=Verdict.NEEDED, keeps=keeps)
    cautions = _cautions(index, around, counted=True)
    if index.bytes < SMALL_BYTES:
        verdict = Verdict.SMALL
    elif around.counters.age < around.trusted_after:
        verdict = Verdict.EARLY
    else:
        verdict = Verdict.UNUSED
    return Judged(index=index, verdict=verdict, cautions=cautions)


def _keeps(index: Index) -> tuple[str, ...]:
    """Say which rule of the data an index upholds, or who is to have it."""
    if index.constraint_kind:
        return (_CONSTRAINTS[index.constraint_kind],)
    if index.is_unique:
        return ("it refuses a second row of the same key",)
    if index.is_identity:
        return ("it is the replica identity",)
    if (index.schema, index.table) in CONVERTING:
        return ("db.partition needs it until its last phase",)
    return ()


def _served_alone(index: Index, around: Surroundings) -> tuple[str, ...]:
    """Name the foreign keys whose rows only this index finds."""
    alone = []
    for key in around.keys:
        finders = serving(key, around.indexes)
        if [each.id for each in finders] == [index.id]:
            alone.append(f"it alone serves the foreign key {key.name}")
    return tuple(alone)


def _declared(index: Index, around: Surroundings) -> tuple[str, ...]:
    """Say that a migration builds it: its query may be rare, and must stay fast."""
    if index.qualified in around.declared:
        return ("a migration of Kiloscale builds it",)
    return ()


def _cautions(index: Index, around: Surroundings, *, counted: bool) -> tuple[str, ...]:
    """Say what to think of before an index is dropped.

    Args:
        index: The index.
        around: The others.
        counted: Whether the verdict rests on the count of its uses.
    """
    found = []
    counters = around.counters
    if counted and counters.age < around.trusted_after:
        found.append(f"the counters are {duration(counters.age)} old, at least")
    if counted and counters.has_replicas:
        found.append("replicas count their uses on their own: look there too")
    if index.is_clustered:
        found.append("CLUSTER orders the table by it")
    if counted and index.has_expression:
        found.append("ANALYZE keeps statistics of its expression, which go with it")
    if index.is_partitioned:
        found.append("dropping it locks the whole table for a moment")
    return tuple(found)
