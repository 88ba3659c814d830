"""The plan's sampling of answers: who is skipped, what share is drawn, when again."""

from uuid import UUID, uuid5

import pytest

from functions.shared.extraction_policy import Answered, rate, sampled

SPACE = UUID("4a6b5f4e-1b1c-4f0e-9a59-1d1b6d9f7c11")
LONG = "x" * 50
IDS = [uuid5(SPACE, str(number)) for number in range(20_000)]


def is_sampled(message_id: UUID, text: str, messages: int) -> bool:
    turn = Answered(message_id=message_id, asked="", answered=text, messages=messages)
    return sampled(turn) is not None


@pytest.mark.parametrize(
    ("text", "messages", "expected"),
    [
        ("x" * 49, 100, 0.0),
        (LONG, 2, 0.0),
        (LONG, 3, 0.203),
        (LONG, 50, 0.25),
        (LONG, 100, 0.30),
        (LONG, 5_000, 0.30),
    ],
)
def test_the_share_is_that_of_the_plan(text, messages, expected):
    assert rate(text, messages) == pytest.approx(expected)


@pytest.mark.parametrize(("messages", "share"), [(3, 0.203), (100, 0.30)])
def test_the_drawn_share_is_the_declared_one(messages, share):
    drawn = sum(is_sampled(each, LONG, messages) for each in IDS)

    assert drawn / len(IDS) == pytest.approx(share, abs=0.012)


def test_a_repetition_decides_the_same_and_growth_never_undoes_a_draw():
    early = {each for each in IDS if is_sampled(each, LONG, 3)}

    assert early == {each for each in IDS if is_sampled(each, LONG, 3)}
    assert early < {each for each in IDS if is_sampled(each, LONG, 100)}


def test_what_is_skipped_is_never_drawn():
    assert not any(is_sampled(each, "x" * 49, 100) for each in IDS)
    assert not any(is_sampled(each, LONG, 2) for each in IDS)
