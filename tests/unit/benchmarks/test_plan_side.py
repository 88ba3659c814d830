"""The plan's side of the database's benchmark, and how sides are compared."""

import re

import pytest

from benchmarks.database import hot_paths, plan_tables
from benchmarks.database.hot_paths import Sides
from deploy import bench


def test_the_plan_s_messages_have_eight_indexes_and_none_for_the_window():
    text = plan_tables.SETUP.read_text()
    built = re.findall(r"(?:index on|table) plan_side\.messages\b[^;]*;", text)
    indexes = [one for one in built if "index on" in one or "primary key" in one]

    assert len(indexes) == 8
    assert not [
        one for one in indexes if re.search(r"chat_id, created_at desc\);", one)
    ]


def test_a_ratio_above_one_says_that_ours_is_faster():
    assert Sides(ours=[1.0, 1.0], theirs=[2.0, 4.0]).ratio == pytest.approx(3.0)


def test_each_sample_is_run_on_both_sides_by_turns(monkeypatch):
    ran = []

    def took(connection, statement, values):
        ran.append(statement)
        return 2.0 if "plan_side" in statement else float(len(ran))

    monkeypatch.setattr(hot_paths, "_ms", took)
    sides = hot_paths.compare(None, "select from public.t", [{}], rounds=2)

    theirs = "select from plan_side.t"
    assert ran == [theirs, "select from public.t", "select from public.t", theirs]
    assert sides.ours == [2.0]
    assert sides.theirs == [2.0]


def test_the_suite_is_listed():
    assert "database" in bench.suites()
