"""Who writes when, and how it is counted."""

from itertools import pairwise
from random import Random
from uuid import uuid4

import pytest

from deploy.demo.steps import demo_steps
from deploy.demo.traffic import RATE_MAX, Load, Sent, percentile, statuses
from deploy.errors import UsageError
from deploy.smoke.gateway import Answer


def sent(*codes: int) -> Sent:
    return Sent(
        chat=uuid4(),
        client_msg_id=uuid4(),
        late_s=0.0,
        answer=Answer(status=codes[0], headers={}, body=None, ms=1.0),
        statuses=codes,
    )


def test_four_in_ten_users_write_at_half_of_their_limit():
    load = Load.of(1_000, minutes=1)

    assert (load.users, load.seconds) == (400, 60)
    assert load.rate == pytest.approx(400 / 120)


def test_the_rate_is_capped_for_a_small_machine():
    assert Load.of(10_000, minutes=1).rate == RATE_MAX


@pytest.mark.parametrize("minutes", [-0.1, 10.1])
def test_a_time_out_of_range_is_refused_before_anything_is_made(minutes):
    with pytest.raises(UsageError, match="--minutes must be between 0 and 10"):
        demo_steps(1, minutes)


def test_the_arrivals_have_the_rate_and_end_in_time():
    load = Load.of(1_000, minutes=10)

    times = load.arrivals(Random(1))

    assert times == sorted(times)
    assert 0 < times[0] <= times[-1] < 600
    assert len(times) == pytest.approx(load.rate * 600, rel=0.1)


def test_the_gaps_are_as_uneven_as_those_of_strangers():
    times = Load.of(1_000, minutes=10).arrivals(Random(1))
    gaps = [after - before for before, after in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5

    assert deviation == pytest.approx(mean, rel=0.1)


def test_the_count_is_bounded_whatever_is_drawn():
    class Hasty(Random):
        def expovariate(self, lambd: float = 1.0) -> float:
            return 0.0

    assert len(Load.of(1_000, minutes=1).arrivals(Hasty())) == 400


def test_a_short_replay_sends_one_message_and_none_if_not_asked_for():
    assert len(Load.of(1, minutes=0.01).arrivals(Random(1))) == 1
    assert Load.of(1, minutes=0).arrivals(Random(1)) == []


def test_retries_are_counted_among_the_statuses():
    assert statuses([sent(201), sent(201, 200), sent(429)]) == {200: 1, 201: 2, 429: 1}


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1), (0.5, 50), (0.95, 95), (1.0, 100)]
)
def test_a_percentile_is_the_value_that_this_share_does_not_exceed(share, expected):
    assert percentile(list(range(100, 0, -1)), share) == expected
