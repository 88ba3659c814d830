"""What a person sees: lines, plot, picture."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from made_series import GIB, MIB, history, line, outlook

from deploy.checklist import Status
from deploy.forecast import results
from deploy.forecast.advice import next_step
from deploy.forecast.asking import Asked
from deploy.forecast.chart import drawn
from deploy.forecast.choosing import after
from deploy.forecast.freeing import archive, indexes, logs
from deploy.forecast.levers import larger_disk, of_database
from deploy.forecast.measures import Measured, share_before
from deploy.forecast.outlook import look_monthly
from deploy.forecast.words import when
from infra.catalog.limits import DATABASE_SIZE, INVOCATIONS

NEAR = line(200, per_day=20, start=2_000)
CUTOFF = datetime(2026, 11, 8, tzinfo=UTC)
DAYS = [CUTOFF + timedelta(days=each) for each in range(-7, 4)]


@pytest.fixture(scope="module")
def near():
    return outlook(NEAR)


def test_a_limit_has_a_day_and_an_interval(near):
    found = results.limit(near, Asked())

    now, alert, limit = found.title.splitlines()
    assert now == "5.84 GiB of 8.00 GiB, 73%"
    assert alert.startswith("alert at  6.00 GiB: 2026-03-1")
    assert limit.startswith("limit of  8.00 GiB: 2026-0")
    assert found.evidence["limit_reached"]["share_within_horizon"] == 1.0


def test_a_limit_within_the_days_fails_and_a_later_one_warns(near):
    assert results.limit(near, Asked(within=365)).status is Status.FAIL
    assert results.limit(near, Asked(within=90)).status is Status.WARN


def test_too_little_history_says_how_much_is_needed():
    short = outlook(line(2), lacks="too little: 26 h of 168 h needed")

    assert short.paths is None
    assert "26 h of 168 h" in results.limit(short, Asked()).title
    assert results.limit(short, Asked()).status is Status.SKIPPED
    assert next_step(short, (), 365).status is Status.SKIPPED


def test_too_little_history_above_the_limit_still_fails():
    full = outlook(np.full(2, 9.0 * GIB), lacks="too little: 26 h of 168 h needed")

    assert results.limit(full, Asked()).status is Status.FAIL


def test_snapshots_that_ended_are_told():
    past = history(NEAR)
    stale = replace(past, newest_at=datetime.now(UTC) - timedelta(hours=30))
    found = results.past(replace(outlook(NEAR), history=stale), Asked())

    assert "the newest is 30 h old" in found.title
    assert (found.status, found.remedy) == (Status.WARN, "./bootstrap verify-crons")


def test_a_horizon_of_many_histories_is_called_a_guess():
    found = results.past(outlook(line(20)), Asked(horizon=365))

    assert "365 days ahead are a guess" in found.title


def test_beyond_the_horizon_is_later(near):
    far = outlook(line(120))

    assert when(far.history, far.full, 365).startswith("not within 365 days")


@pytest.mark.parametrize("unicode", [True, False])
def test_the_plot_fits_its_columns_and_names_the_limits(near, unicode):
    lines = drawn(near, unicode=unicode)

    assert max(map(len, lines)) <= 100
    assert "limit" in "".join(lines)
    assert "alert" in "".join(lines)
    assert unicode or all(each.isascii() for each in lines)
    assert near.history.last_day.isoformat() in lines[-2]


def test_without_a_forecast_there_is_no_plot():
    assert drawn(outlook(line(2), lacks="too little"), unicode=True) == []


def test_the_picture_is_the_same_file_each_time(near, tmp_path):
    from deploy.forecast.picture import draw

    one, other = tmp_path / "a.svg", tmp_path / "b.svg"
    draw([near], "local", one)
    draw([near], "local", other)

    assert one.read_bytes() == other.read_bytes()
    assert ET.parse(one).getroot().tag.endswith("svg")
    assert one.stat().st_size < 60_000


def test_a_histogram_tells_which_share_is_older():
    assert share_before(DAYS, CUTOFF) == pytest.approx(0.7)
    assert share_before(DAYS, DAYS[-1] + timedelta(days=1)) == 1.0
    assert share_before(DAYS, DAYS[0]) == 0.0
    assert share_before(None, CUTOFF) is None


def test_archiving_frees_what_the_archive_does_not_take():
    row = {
        "messages": 1_000.0,
        "share": 4,
        "heap": 500 * 10_000,
        "total": 800 * 10_000,
        "rows": 10_000.0,
        "archive": 8_192,
        "archive_rows": 0.0,
    }

    lever = archive(Measured(rows=[row]), "")

    assert lever.bytes == 1_000 * (800 - 560)
    assert lever.takes == 1_000 * 560
    assert "1 conversation in 4" in lever.basis


def test_logs_of_a_plain_table_are_estimated_and_not_returned():
    row = {"is_partitioned": False, "bytes": 100.0, "bounds": DAYS, "cutoff": CUTOFF}

    lever = logs(Measured(rows=[row]), 5.0, " --stack production")

    assert lever.bytes == pytest.approx(70)
    assert (lever.returned, lever.per_day) == (0.0, 5.0)
    assert lever.command.endswith("--stack production")


def test_young_statistics_call_no_index_unused():
    drop = "drop index concurrently public.x_idx;"
    row = {"name": "public.x_idx", "bytes": 9e6, "days": 3.0, "drop": drop}

    young, old = (
        indexes(Measured(rows=[row | {"is_early": early}])) for early in (True, False)
    )

    assert not young.helps
    assert "3 days old, 30 needed" in young.unknown
    assert old.command == drop


def test_what_could_not_be_measured_says_why():
    failed = Measured(failed="it took more than 2 s")
    names = ("archivable", "logs", "bloat", "indexes", "deletable")

    levers = of_database(dict.fromkeys(names, failed), DATABASE_SIZE, 0.0, "")

    assert [each.id for each in levers if each.helps] == ["larger-disk"]
    assert levers[0].unknown == "it took more than 2 s"


def test_the_next_step_names_its_cost_and_command(near):
    lever = larger_disk(DATABASE_SIZE, "")
    outcome = after(lever, near.paths, near.now, DATABASE_SIZE)

    found = next_step(near, [outcome], 365)

    assert found.title.startswith("a disk of 16 GiB: 1.00 USD a month")
    assert found.remedy == lever.command
    assert "loses no data" in found.evidence["rule"]


def test_invocations_of_a_month_are_the_last_thirty_days():
    counts = np.full(90, 20_000.0)

    found = look_monthly(INVOCATIONS, history(counts), 180)

    assert found.now == 600_000
    assert found.fan[1, 29] == pytest.approx(600_000, rel=0.05)
    assert found.past[0] == 20_000


def test_invocations_that_grow_reach_the_limit():
    counts = 10_000 + 200.0 * np.arange(90)

    found = look_monthly(INVOCATIONS, history(counts), 180)

    assert found.full.likely is not None
    assert 20 < found.full.likely < 90


def test_a_step_that_frees_mib_is_written_so(near):
    assert (
        results.growth("database", near)
        .title.splitlines()[0]
        .startswith(f"{near.now / GIB:.2f} GiB; grows by")
    )
    assert near.now > MIB
