"""A model that fails again and again is left alone, and found again by one probe."""

from functions.shared.providers.breaker import FAILURES_MAX, OPEN_S, Breaker


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    for _ in range(FAILURES_MAX):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_not_before():
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES_MAX - 1):
        breaker.failed()
    breaker.answered()
    for _ in range(FAILURES_MAX - 1):
        breaker.failed()

    before = breaker.admits()
    breaker.failed()

    assert (before, breaker.admits()) == (True, False)


def test_one_probe_passes_when_its_time_has_come_and_closes_it():
    clock = Clock()
    breaker = opened(clock)
    clock.now += OPEN_S - 0.1
    early = breaker.admits()
    clock.now += 0.1

    probes = [breaker.admits() for _ in range(3)]
    breaker.answered()

    assert (early, probes) == (False, [True, False, False])
    assert [breaker.admits() for _ in range(3)] == [True, True, True]


def test_a_probe_that_fails_opens_it_for_as_long_again():
    clock = Clock()
    breaker = opened(clock)
    clock.now += OPEN_S
    breaker.admits()
    clock.now += 3
    breaker.failed()
    clock.now += OPEN_S - 0.1

    early = breaker.admits()
    clock.now += 0.1

    assert (early, breaker.admits()) == (False, True)


def test_a_probe_that_never_ends_is_replaced():
    clock = Clock()
    breaker = opened(clock)
    clock.now += OPEN_S
    breaker.admits()

    clock.now += OPEN_S

    assert breaker.admits()
