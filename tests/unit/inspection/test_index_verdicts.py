"""What to think of an index, and whether it may go."""

from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.inspection.foreign_keys import serving
from deploy.inspection.index_overlap import covered_by, duplicate_of
from deploy.inspection.index_verdicts import Verdict, judge
from tests.unit.inspection.index_fixtures import MIB, NOW, around, counters, index, key

PAIR = index("pair", "chat_id", "-created_at")


def test_an_unused_index_is_droppable_with_both_directions():
    found = judge(PAIR, around(PAIR))

    assert found.verdict is Verdict.UNUSED
    assert found.is_droppable
    assert PAIR.drop == "drop index concurrently public.pair;"
    assert PAIR.rebuild.startswith("CREATE INDEX CONCURRENTLY pair ON public.messages")


def test_a_used_index_stays():
    used = replace(PAIR, scans=1)

    assert judge(used, around(used)).verdict is Verdict.USED


@pytest.mark.parametrize("kind", ["p", "u", "x"])
def test_an_unused_index_of_a_constraint_is_needed(kind):
    backing = replace(PAIR, constraint_kind=kind, is_unique=True)

    found = judge(backing, around(backing))

    assert found.verdict is Verdict.NEEDED
    assert not found.is_droppable


@pytest.mark.parametrize("change", [{"is_unique": True}, {"is_identity": True}])
def test_an_index_that_upholds_something_is_needed(change):
    upholding = replace(PAIR, **change)

    assert judge(upholding, around(upholding)).verdict is Verdict.NEEDED


def test_the_only_index_of_a_foreign_key_is_needed():
    found = judge(PAIR, around(PAIR, keys=(key("chat_id"),)))

    assert found.verdict is Verdict.NEEDED
    assert found.keeps == ("it alone serves the foreign key messages_fkey",)


def test_one_of_two_indexes_of_a_foreign_key_may_go():
    other = index("another", "chat_id", "user_id", scans=5)

    found = judge(PAIR, around(PAIR, other, keys=(key("chat_id"),)))

    assert found.is_droppable


def test_an_index_of_a_migration_is_needed_though_unused():
    found = judge(PAIR, around(PAIR, declared=("public.pair",)))

    assert found.verdict is Verdict.NEEDED


def test_young_counters_tell_nothing():
    found = judge(PAIR, around(PAIR, counted=counters(days=3)))

    assert found.verdict is Verdict.EARLY
    assert not found.is_droppable
    assert found.cautions == ("the counters are 3 d old, at least",)


def test_a_crash_makes_the_counters_young():
    crashed = counters(
        reset_at=NOW - timedelta(days=90), server_since=NOW - timedelta(days=1)
    )

    assert crashed.age == timedelta(days=1)


def test_a_small_index_does_not_matter():
    small = replace(PAIR, bytes=MIB - 1)

    assert judge(small, around(small)).verdict is Verdict.SMALL


def test_replicas_are_a_caution():
    found = judge(PAIR, around(PAIR, counted=counters(replicas=1)))

    assert "replicas count their uses on their own: look there too" in found.cautions


def test_what_is_being_built_is_not_called_invalid():
    building = replace(PAIR, is_valid=False, builder_pid=42)

    assert judge(building, around(building)).verdict is Verdict.BUILDING
    left = replace(PAIR, is_valid=False)
    assert judge(left, around(left)).verdict is Verdict.INVALID


def test_a_used_duplicate_may_go_at_once_and_the_older_one_stays():
    old = replace(PAIR, id=1, name="old", scans=9)
    new = replace(PAIR, id=2, scans=9)
    young = counters(days=0)

    assert judge(new, around(old, new, counted=young)).other == old
    assert judge(new, around(old, new, counted=young)).is_droppable
    assert judge(old, around(old, new, counted=young)).verdict is Verdict.USED


def test_the_opposite_order_is_a_duplicate_and_a_mixed_one_is_not():
    forwards = index("a", "chat_id", "created_at")
    backwards = index("bb", "-chat_id", "-created_at")

    assert duplicate_of(backwards, [forwards]) == forwards
    assert duplicate_of(PAIR, [forwards]) is None
    assert duplicate_of(forwards, [PAIR]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"classes": [1, 2]},
        {"collations": [0, 9]},
        {"predicate": "role = 'user'"},
        {"method": "hash"},
        {"is_valid": False},
        {"table_name": "other.messages"},
    ],
)
def test_what_differs_in_kind_is_no_duplicate(change):
    other = replace(PAIR, id=1, **change)

    assert duplicate_of(PAIR, [other]) is None


def test_a_plain_index_duplicates_a_unique_one_and_not_the_other_way_round():
    unique = replace(PAIR, id=99, name="unique", is_unique=True)

    assert duplicate_of(PAIR, [unique]) == unique
    assert duplicate_of(unique, [PAIR]) is None


def test_a_prefix_is_covered():
    single = index("single", "chat_id")

    assert covered_by(single, [PAIR]) == PAIR
    assert covered_by(PAIR, [single]) is None


def test_a_unique_prefix_is_not_covered():
    unique = index("unique", "chat_id", is_unique=True)

    assert covered_by(unique, [PAIR]) is None


def test_a_partial_index_is_covered_by_one_of_the_same_rows_alone():
    partial = index("partial", "chat_id", predicate="role = 'user'")

    assert covered_by(partial, [PAIR]) is None
    assert covered_by(partial, [replace(PAIR, predicate="role = 'user'")])


def test_what_stands_behind_a_unique_key_is_covered_by_it():
    primary = index("pkey", "id", is_unique=True, constraint_kind="p")
    behind = index("behind", "id", "user_id")

    assert covered_by(behind, [primary]) == primary
    assert covered_by(behind, [replace(primary, is_not_null=False)]) is None


def test_included_columns_must_be_in_the_other_one():
    with_text = index("with_text", "chat_id", included=["text"])

    assert covered_by(with_text, [PAIR]) is None
    assert covered_by(with_text, [replace(PAIR, included=["text"])])


def test_two_expressions_are_told_apart_by_their_text():
    lower = index("lower", "lower(text)")
    upper = index("uppers", "upper(text)")

    assert duplicate_of(lower, [upper]) is None
    assert duplicate_of(lower, [replace(upper, id=1, keys=["lower(text)"])])


def test_a_partial_index_serves_a_foreign_key_only_without_its_nulls():
    some = index("some", "user_id", predicate="is_active")
    no_nulls = replace(some, predicate="(user_id IS NOT NULL)")

    assert serving(key("user_id"), [some]) == []
    assert serving(key("user_id"), [no_nulls]) == [no_nulls]


def test_the_order_of_a_foreign_key_s_columns_does_not_matter():
    both = index("both", "created_at", "chat_id", "user_id")

    assert serving(key("chat_id", "created_at"), [both]) == [both]
    assert serving(key("chat_id"), [both]) == []
