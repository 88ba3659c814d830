"""The plan of a conversion: what it advises, costs and refuses."""

from dataclasses import replace

import pytest

from deploy.checklist import Status
from deploy.errors import ExitCode, UsageError
from deploy.partitioning import judging, phases
from deploy.partitioning.commands import Choice, choice
from deploy.partitioning.facts import Facts

SMALL = Facts(
    rows=2_000_000,
    table_bytes=1_000_000_000,
    index_bytes=500_000_000,
    is_partitioned=False,
)
LARGE = replace(SMALL, rows=80_000_000)


def results(facts):
    return {one.id: one for one in judging.judge(facts, 16, 50)}


def test_below_fifty_million_rows_it_is_advised_against():
    assert judging.advice_against(SMALL) == (
        "2,000,000 rows, it pays from about 50,000,000",
    )
    assert results(SMALL)["plan.worth"].status is Status.WARN
    assert judging.advice_against(LARGE) == ()
    assert results(LARGE)["plan.worth"].status is Status.PASS


def test_the_disk_that_it_needs_is_said_with_room_for_wal():
    found = results(SMALL)["plan.size"]

    assert found.evidence["needed_bytes"] == 2_250_000_000
    assert "2.1 GiB of free disk, which SQL cannot see" in found.title


def test_half_the_load_takes_twice_the_time():
    whole, half = (next(judging.judge(LARGE, 16, load)).title for load in (100, 50))

    assert "about 88.9 min at --load 100" in whole
    assert "about 177.8 min at --load 50" in half


def test_a_subscription_to_changes_of_the_table_is_a_reason_against_it():
    published = replace(LARGE, publications=("supabase_realtime",))

    [reason] = judging.advice_against(published)

    assert "postgres_changes" in reason
    assert results(published)["plan.publications"].status is Status.WARN


def test_a_routine_that_needs_a_lost_key_is_named():
    routine = replace(LARGE, conflicts=("save_message(uuid)",))

    assert "save_message(uuid)" in results(routine)["plan.keys"].title
    assert len(judging.advice_against(routine)) == 1


def test_each_obstacle_fails_the_plan():
    facts = replace(LARGE, obstacles=(("rule", "rule r on messages"),))

    found = results(facts)

    assert found["plan.rule"].status is Status.FAIL
    assert "plan.obstacles" not in found


def test_prepare_refuses_obstacles_even_if_it_is_wanted_anyway():
    facts = replace(SMALL, obstacles=(("rule", "rule r on messages"),))

    with pytest.raises(UsageError, match="in the way of a conversion: rule r on"):
        phases._allow(facts, Choice(anyway=True))


def test_prepare_begins_against_advice_only_if_it_is_wanted_anyway():
    with pytest.raises(UsageError, match="advised against: 2,000,000 rows"):
        phases._allow(SMALL, Choice())

    phases._allow(SMALL, Choice(anyway=True))
    phases._allow(LARGE, Choice())


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (
            {"partitions": "1"},
            "--partitions must be a whole number between 2 and 128, got '1'",
        ),
        (
            {"partitions": "129"},
            "--partitions must be a whole number between 2 and 128, got '129'",
        ),
        ({"load": "0"}, "--load must be a whole number between 1 and 100, got '0'"),
        (
            {"load": "fast"},
            "--load must be a whole number between 1 and 100, got 'fast'",
        ),
        ({"load": "٣"}, "--load must be a whole number"),
        (
            {"wait_ms": "9999"},
            "--wait-ms must be a whole number between 20 and 5000, got '9999'",
        ),
    ],
)
def test_a_number_out_of_range_is_refused_with_the_range(numbers, message):
    with pytest.raises(UsageError) as caught:
        choice("copy", numbers, anyway=False)

    assert message in str(caught.value)
    assert "nothing was changed" in str(caught.value)
    assert caught.value.exit_code is ExitCode.USAGE


def test_an_unknown_phase_is_refused_with_those_that_there_are():
    with pytest.raises(UsageError, match="'undo' is none of plan, prepare, copy"):
        choice("undo", {}, anyway=False)
