"""The forecast of series with one trouble each: where the interval has to be."""

import numpy as np
import pytest
from made_series import MIB, line, series

from deploy.forecast.model import HIGH, LOW, MIDDLE, forecast


def at(values: np.ndarray, day: int) -> tuple[float, float, float]:
    """Low, middle and high after so many days, in MiB."""
    found = forecast(series(values), day)
    low, middle, high = (found.quantile(each)[-1] / MIB for each in (LOW, MIDDLE, HIGH))
    assert low <= middle <= high
    return low, middle, high


def test_a_line_goes_on():
    low, middle, high = at(line(), 90)

    assert middle == pytest.approx(1_000 + 10 * 209, rel=0.02)
    assert high - low < 900


def test_the_same_history_gives_the_same_forecast():
    assert at(line(), 30) == at(line(), 30)


def test_a_straight_line_without_noise_is_no_division_by_zero():
    low, middle, high = at((1_000 + 10 * np.arange(60.0)) * MIB, 30)

    assert np.isfinite([low, middle, high]).all()
    assert middle == pytest.approx(1_890, rel=0.02)


def test_a_size_that_never_changes_stays():
    _low, middle, _high = at(np.full(60, 500.0) * MIB, 90)

    assert middle == pytest.approx(500, rel=0.01)


def test_a_step_down_does_not_bend_the_trend():
    values = line()
    values[100:] -= 600 * MIB

    _, middle, _ = at(values, 30)

    assert middle == pytest.approx(1_000 + 10 * 149 - 600, rel=0.04)


def test_steps_that_came_often_are_expected_again():
    values = line(150)
    for day in (30, 60, 90, 120):
        values[day:] -= 250 * MIB

    _, middle, _ = at(values, 90)

    assert middle < 1_000 + 10 * 239 - 4 * 250 - 2 * 250


def test_an_import_that_came_once_may_come_again_and_is_not_most_likely():
    values = line()
    values[60:] += 2_000 * MIB

    _low, middle, high = at(values, 90)

    assert middle == pytest.approx(3_000 + 10 * 209, rel=0.06)
    assert high > middle + 1_000


def test_a_gap_of_three_weeks_does_not_stop_the_trend():
    values = line()
    values[70:91] = np.nan

    _, middle, _ = at(values, 30)

    assert middle == pytest.approx(1_000 + 10 * 149, rel=0.02)


def test_after_a_launch_the_new_growth_is_within_the_interval():
    values = line()
    values[90:] += 20 * MIB * np.arange(30)

    low, middle, high = at(values, 30)

    assert middle > values[-1] / MIB + 20 * 30
    assert low < values[-1] / MIB + 30 * 30 < high


def test_weekends_do_not_widen_the_interval():
    growth = np.where(np.arange(140) % 7 >= 5, 1.0, 14.0)
    values = (1_000 + np.cumsum(growth)) * MIB

    low, middle, high = at(values, 28)

    assert middle == pytest.approx(values[-1] / MIB + growth[:28].sum(), rel=0.02)
    assert high - low < 300


def test_noise_widens_the_interval():
    noise = np.random.default_rng(5).normal(0, 60, 120) * MIB

    narrow, wide = (at(each, 30) for each in (line(), line() + noise))

    assert wide[2] - wide[0] > 1.5 * (narrow[2] - narrow[0])


def test_few_days_have_a_wider_interval_than_many():
    few, many = (at(line(days), 90) for days in (9, 300))

    assert few[2] - few[0] > 1.5 * (many[2] - many[0])


def test_the_interval_widens_with_the_days_ahead():
    found = forecast(series(line()), 180)

    width = found.quantile(HIGH) - found.quantile(LOW)

    assert width[6] < width[29] < width[89] < width[179]


def test_growth_that_slows_down_does_not_turn_into_shrinking():
    values = (1_000 + 900 * (1 - np.exp(-np.arange(200) / 40))) * MIB

    _, middle, _ = at(values, 180)

    assert middle >= 0.97 * values[-1] / MIB


def test_no_size_is_below_zero():
    values = line(60, per_day=-15)

    assert forecast(series(values), 180).paths.min() >= 0
