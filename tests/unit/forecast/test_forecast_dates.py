"""When a limit is reached, what is asked, and which step is the cheapest."""

import numpy as np
import pytest
from made_series import GIB, MIB

from deploy.checklist import Status
from deploy.errors import UsageError
from deploy.forecast import asking
from deploy.forecast.asking import Asked
from deploy.forecast.choosing import after, cheapest
from deploy.forecast.dates import When, reached
from deploy.forecast.lever import Lever
from deploy.forecast.levers import larger_disk
from deploy.forecast.limits import of_stack, parsed
from deploy.forecast.results import verdict
from infra.catalog.limits import DATABASE_SIZE, PlanLimit

LIMIT = PlanLimit(name="database_bytes", limit=100, alert_at=75, unit="bytes")
PATHS = np.array([[50 + each * day for day in range(1, 101)] for each in (1.0, 2.0)])


def outcome(lever: Lever):
    return after(lever, PATHS, 50.0, LIMIT)


def test_each_future_has_a_day_of_its_own():
    assert reached(PATHS, 100, 50) == When(early=25, likely=50, late=50, share=1.0)


def test_what_few_futures_reach_has_no_likely_day():
    paths = np.vstack([np.full((96, 10), 1.0), np.full((4, 10), 9.0)])

    assert reached(paths, 5, 1) == When(early=None, likely=None, late=None, share=0.04)


def test_what_is_above_the_limit_has_reached_it():
    assert reached(PATHS, 40, 50).early == 0


@pytest.mark.parametrize(
    ("early", "likely", "status"),
    [
        (30, 80, Status.FAIL),
        (30, 120, Status.WARN),
        (100, 120, Status.PASS),
        (None, None, Status.PASS),
    ],
)
def test_a_limit_fails_when_it_is_most_likely_near(early, likely, status):
    never = When(early=None, likely=None, late=None, share=0)
    full = When(early=early, likely=likely, late=None, share=0.5)

    assert verdict(never, full, 90) is status


def test_space_that_is_freed_moves_the_day():
    found = outcome(Lever(id="x", does="x", bytes=20))

    assert (found.when.likely, found.gain_days) == (70, 20)
    assert not found.is_enough


def test_slower_growth_moves_the_day_beyond_the_horizon():
    found = outcome(Lever(id="x", does="x", per_day=0.9))

    assert found.when.likely is None
    assert found.is_beyond
    assert found.is_enough


def test_what_needs_more_space_first_than_there_is_reaches_the_limit_at_once():
    found = outcome(Lever(id="x", does="x", bytes=40, takes=60))

    assert found.when.likely == 0


def test_only_returned_space_helps_a_disk_that_is_full():
    reused, returned = (
        after(
            Lever(id="x", does="x", bytes=30, returned=each), PATHS + 50, 100.0, LIMIT
        )
        for each in (0.0, 30.0)
    )

    assert reused.when.likely == 0
    assert returned.when.likely is not None
    assert returned.when.likely > 0


def test_the_cheapest_step_is_a_free_one_that_is_enough():
    little = outcome(Lever(id="little", does="x", bytes=20))
    enough = outcome(Lever(id="enough", does="x", bytes=40))
    paid = outcome(Lever(id="paid", does="x", limit=200, usd_month=1.0))

    best = cheapest([little, enough, paid])

    assert best is enough


def test_a_step_that_loses_data_is_never_chosen():
    losing = outcome(Lever(id="losing", does="x", bytes=50, loses="messages"))
    paid = outcome(Lever(id="paid", does="x", limit=200, usd_month=1.0))

    assert cheapest([losing, paid]) is paid
    assert cheapest([losing]) is None


def test_of_equals_the_one_that_locks_nothing_is_chosen():
    locking = outcome(Lever(id="locking", does="x", bytes=50, locks="a table"))
    quiet = outcome(Lever(id="quiet", does="x", bytes=40))

    assert cheapest([locking, quiet]) is quiet


def test_a_disk_costs_what_is_beyond_the_included_part():
    lever = larger_disk(DATABASE_SIZE, " --stack production")

    assert (lever.limit, lever.usd_month) == (16 * GIB, 1.0)
    assert lever.command.endswith("planDatabaseGib 16 --stack production")


def test_limits_are_the_stacks_own_unless_others_are_tried():
    limits = of_stack("local", ["database_bytes=4GiB", "invocations_month=500000"])

    assert limits["database_bytes"].limit == 4 * GIB
    assert limits["database_bytes"].alert_at == 3 * GIB
    assert limits["invocations_month"].alert_at == 375_000
    assert limits["storage_bytes"].limit == 100 * GIB
    assert of_stack("local")["database_bytes"].limit == DATABASE_SIZE.limit


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("disk=3", "no limit named 'disk'"),
        ("database_bytes", "must be a number"),
        ("database_bytes=-3", "must be a number"),
        ("database_bytes=3 parsec", "must be a number"),
        ("database_bytes=0", "from 1 to"),
        ("database_bytes=99999TiB", "from 1 to"),
        ("realtime_connections=9", "no history"),
    ],
)
def test_a_limit_that_cannot_be_read_is_refused(text, said):
    with pytest.raises(UsageError, match=said):
        parsed(text)


def test_units_are_powers_of_ten_or_of_1024():
    assert parsed("database_bytes=1.5 gb") == ("database_bytes", 1_500_000_000)
    assert parsed("storage_bytes=512MiB") == ("storage_bytes", 512 * MIB)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(horizon=6), "--horizon-days must be a whole number between 7 and"),
        (Asked(horizon=1_826), "between 7 and 1825, got '1826'"),
        (Asked(horizon=30, within=31), "between 1 and 30, got '31'"),
        (Asked(plot="growth.gif"), "must end with .png or .svg"),
        (Asked(plot="/nowhere/growth.png"), "folder that exists"),
    ],
)
def test_an_option_out_of_range_is_refused_with_its_range(asked, said):
    with pytest.raises(UsageError, match=said):
        asked.check()


@pytest.mark.parametrize(("horizon", "within"), [("abc", ""), ("", ""), ("30", "x")])
def test_what_is_no_number_of_days_is_refused(horizon, within):
    with pytest.raises(UsageError, match="must be a whole number between"):
        asking.typed(horizon, within, (), "")


def test_the_days_within_which_a_limit_fails_end_with_the_horizon():
    assert asking.typed("30", "", (), "").within == 30
    assert asking.typed("365", "", (), "").within == 90
