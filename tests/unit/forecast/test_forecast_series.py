"""What is taken out of a series before a trend is looked for."""

import numpy as np
import pytest
from made_series import MIB, line, series

from deploy.forecast.series import cleaned


def test_a_step_down_is_set_apart_with_its_day_and_size():
    values = line()
    values[60:] -= 400 * MIB

    [(day, size)] = cleaned(series(values)).steps

    assert day == 60
    assert size / MIB == pytest.approx(-400, abs=3)


def test_a_step_up_is_set_apart_as_well():
    values = line()
    values[30:] += 700 * MIB

    [(day, size)] = cleaned(series(values)).steps

    assert (day, round(size / MIB, -1)) == (30, 700)


def test_without_its_steps_a_series_ends_at_the_level_of_today():
    values = line()
    values[60:] -= 400 * MIB

    found = cleaned(series(values)).series.values

    assert np.nanmax(np.abs(np.diff(found))) < 15 * MIB
    assert found[-1] == pytest.approx(values[-1], rel=0.001)


def test_a_launch_is_no_step():
    values = line()
    values[60:] += 40 * MIB * np.arange(60)

    assert cleaned(series(values)).steps == ()


def test_days_that_grow_and_shrink_again_are_left_out():
    values = line()
    values[50:52] += 900 * MIB

    found = cleaned(series(values))

    assert found.excursions == (50, 51)
    assert found.steps == ()


def test_a_step_across_a_gap_counts_once():
    values = line()
    values[60:] += 600 * MIB
    values[55:63] = np.nan

    assert [day for day, _ in cleaned(series(values)).steps] == [63]


def test_noise_alone_has_no_steps():
    noise = np.random.default_rng(3).normal(0, 30, 200)

    assert cleaned(series(line(200) + noise * MIB)).steps == ()


def test_the_rhythm_of_the_week_is_learned_from_four_weeks_on():
    weekend = np.where(np.arange(120) % 7 >= 5, 50 * MIB, 0)

    known = cleaned(series(line() + weekend)).rhythm / MIB
    short = cleaned(series((line() + weekend)[:27])).rhythm

    assert known[5:].min() - known[:5].max() > 40
    assert not short.any()
