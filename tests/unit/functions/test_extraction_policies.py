"""When a turn is read: each policy decides for it alone, and alike when repeated."""

from uuid import uuid4

import pytest

from functions.shared.extraction_policy import (
    GATHERED,
    POLICIES,
    WINDOW,
    Answered,
    policy,
)


def turn(asked: str, answered: str = "Fine.", messages: int = 2) -> Answered:
    return Answered(
        message_id=uuid4(), asked=asked, answered=answered, messages=messages
    )


@pytest.mark.parametrize("name", POLICIES)
def test_a_repetition_decides_the_same(name):
    turns = [turn("I have a cat.", "x" * 80, 50) for _ in range(50)]

    first = [policy(name)(each) for each in turns]

    assert [policy(name)(each) for each in turns] == first


def test_every_turn_is_read_at_once_with_its_window():
    reading = policy("every-turn")(turn("ok"))

    assert (reading.turns_max, reading.idle_s, reading.window) == (1, 0, WINDOW)


def test_debounced_turns_wait_until_the_conversation_rests():
    reading = policy("debounced")(turn("ok"))

    assert (reading.idle_s, reading.window) == (300, None)


def test_gathered_counts_only_turns_that_can_tell_something():
    assert policy("gathered")(turn("My cat is ill.")) == GATHERED
    assert policy("gathered")(turn("Thanks!", "x" * 500)) is None


def test_what_waits_fits_into_two_readings():
    assert GATHERED.window is None
    assert 2 * GATHERED.turns_max <= 40
