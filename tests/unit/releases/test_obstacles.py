"""Which migrations keep older code from working, by their headers alone."""

import pytest

from deploy.migrations.header import parse_header
from deploy.releases import obstacles

HEADER = """-- Does something.
--
-- Phase:     {phase}
-- Locks:     none
-- Reversal:  {reversal}
-- Follow-up: none

select 1;
"""


def judged(phase: str, reversal: str = "drop it again") -> obstacles.Since:
    header, problems = parse_header(HEADER.format(phase=phase, reversal=reversal))
    assert problems == []
    return obstacles.judge(["7"], {"7": ("7_a.sql", header)})


@pytest.mark.parametrize("phase", ["expand", "expand (before the code)", "backfill"])
def test_what_only_adds_is_told_and_does_not_stand_in_the_way(phase):
    since = judged(phase)

    assert since.applied == ("7_a.sql",)
    assert since.in_the_way == {}


def test_a_contract_stands_in_the_way_whatever_its_reversal():
    since = judged("contract (after the code)")

    assert since.in_the_way == {
        "7_a.sql": "contract (after the code); reversal: drop it again"
    }


def test_a_backfill_without_a_way_back_stands_in_the_way():
    assert set(judged("backfill", "none: values are lost").in_the_way) == {"7_a.sql"}


def test_a_migration_of_another_checkout_stands_in_the_way():
    since = obstacles.judge(["29990101000000"], {})

    assert since.in_the_way == {
        "29990101000000": "has no file here: what it does to older code is unknown"
    }


def test_every_header_of_the_repository_is_judged():
    known = obstacles.headers(obstacles.FOLDER)

    since = obstacles.judge(known, known)

    assert len(since.applied) == len(list(obstacles.FOLDER.glob("*.sql"))) > 0
    contracts = [name for name, header in known.values() if "contract" in header.phase]
    assert sorted(since.in_the_way) == sorted(contracts)
    assert "20251107000400_drop_redundant_indexes.sql" in contracts
