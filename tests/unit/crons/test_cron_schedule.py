from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from deploy.crons.schedule import ScheduleError, next_due, previous_due

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GMT = ZoneInfo("UTC")


def texts(times):
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in times]


def test_the_next_three_times_are_given():
    times = next_due("0 4 1 * *", NOON, GMT)

    assert texts(times) == ["2026-12-01 04:00", "2027-01-01 04:00", "2027-02-01 04:00"]


def test_the_previous_time_is_before_now():
    assert previous_due("5 * * * *", NOON, GMT) == datetime(
        2026, 11, 23, 11, 5, tzinfo=UTC
    )


def test_a_schedule_at_this_very_minute_is_neither_next_nor_previous():
    assert texts(next_due("0 12 * * *", NOON, GMT, count=1)) == ["2026-11-24 12:00"]
    assert texts([previous_due("0 12 * * *", NOON, GMT)]) == ["2026-11-22 12:00"]


@pytest.mark.parametrize("schedule", ["0 4 31 2 *", "0 0 31 4,6 *"])
def test_what_pg_cron_accepts_and_never_runs_is_detected(schedule):
    assert next_due(schedule, NOON, GMT) == []
    assert previous_due(schedule, NOON, GMT) is None


def test_an_impossible_day_of_month_is_due_by_its_day_of_week():
    assert texts(next_due("0 0 30 2 1-5", NOON, GMT, count=1)) == ["2027-02-01 00:00"]


def test_a_leap_day_comes():
    assert texts(next_due("0 0 29 2 *", NOON, GMT, count=1)) == ["2028-02-29 00:00"]


def test_day_of_month_or_day_of_week_is_enough_when_both_are_restricted():
    times = next_due("0 0 1 * 1", NOON, GMT)

    assert texts(times) == ["2026-11-30 00:00", "2026-12-01 00:00", "2026-12-07 00:00"]


def test_the_last_day_of_a_month_is_written_as_in_pg_cron():
    assert texts(next_due("0 0 $ * *", NOON, GMT, count=1)) == ["2026-11-30 00:00"]


def test_a_shorthand_is_understood():
    assert texts(next_due("@hourly", NOON, GMT, count=1)) == ["2026-11-23 13:00"]


def test_times_are_in_utc_whatever_zone_pg_cron_reads():
    times = next_due("0 2 * * *", NOON, ZoneInfo("Europe/Berlin"), count=1)

    assert texts(times) == ["2026-11-24 01:00"]


@pytest.mark.parametrize("schedule", ["61 * * * *", "* * *", "10 seconds", ""])
def test_what_is_no_schedule_is_refused(schedule):
    with pytest.raises(ScheduleError, match="is not a cron schedule"):
        next_due(schedule, NOON, GMT)
