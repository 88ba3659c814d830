"""Which index repeats another one, and which is contained in another one."""

from collections.abc import Iterable, Sequence

from deploy.inspection.index_facts import Index

DESCENDING = 1
NULLS_FIRST = 2
BOTH = DESCENDING | NULLS_FIRST

Key = tuple[int, str, int, int]


def duplicate_of(index: Index, others: Iterable[Index]) -> Index | None:
    """Find the index that does all that this one does and is the one to keep."""
    return next(
        (
            other
            for other in _beside(index, others)
            if _same(index, other) and _rank(other) > _rank(index)
        ),
        None,
    )


def covered_by(index: Index, others: Iterable[Index]) -> Index | None:
    """Find an index that serves every query which this one serves.

    Either it begins with all keys of this one in the same or the opposite order, or it
    is unique on keys that this one begins with: what stands behind those orders
    nothing.
    """
    if index.is_unique or index.method != "btree":
        return None
    return next(
        (
            other
            for other in _beside(index, others)
            if other.method == "btree"
            and not _same(index, other)
            and (_begins_with(other, index) or _is_decided_by(index, other))
        ),
        None,
    )


def _beside(index: Index, others: Iterable[Index]) -> list[Index]:
    """Give the valid other indexes of the table."""
    return [
        other
        for other in others
        if other.table_name == index.table_name
        and other.id != index.id
        and other.is_valid
    ]


def _keys(index: Index) -> list[Key]:
    """Give what must agree of each key, but for its order."""
    names = zip(index.columns, index.keys, strict=True)
    kinds = zip(index.classes, index.collations, strict=True)
    return [
        (column, "" if column else text, kind, collation)
        for (column, text), (kind, collation) in zip(names, kinds, strict=True)
    ]


def _same(one: Index, other: Index) -> bool:
    """Whether both hold the same entries in the same or the opposite order."""
    return (
        one.method == other.method
        and _keys(one) == _keys(other)
        and _same_order(one.options, other.options)
        and one.predicate == other.predicate
        and set(one.included) <= set(other.included)
        and (other.is_unique or not one.is_unique)
    )


def _same_order(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether one is read forwards, or backwards, like the other one forwards."""
    return list(one) == list(other) or list(one) == [each ^ BOTH for each in other]


def _begins_with(longer: Index, shorter: Index) -> bool:
    """Whether the first keys of one are all keys of the other one."""
    length = len(shorter.keys)
    return (
        len(longer.keys) >= length
        and _keys(longer)[:length] == _keys(shorter)
        and _same_order(shorter.options, longer.options[:length])
        and longer.predicate == shorter.predicate
        and set(shorter.included) <= {*longer.keys, *longer.included}
    )


def _is_decided_by(index: Index, unique: Index) -> bool:
    """Whether a unique index fixes the row before the later keys of the other matter.

    Not for a null, of which a unique index may hold many.
    """
    length = len(unique.keys)
    return (
        unique.is_unique
        and unique.is_not_null
        and not unique.predicate
        and not index.predicate
        and not index.included
        and len(index.keys) > length
        and _keys(index)[:length] == _keys(unique)
    )


def _rank(index: Index) -> tuple[int, ...]:
    """Say how much speaks for keeping an index; of equal ones the older one stays."""
    return (
        bool(index.constraint_kind) or index.referencing > 0,
        index.is_identity,
        index.is_unique,
        len(index.included),
        index.is_clustered,
        -index.id,
    )
