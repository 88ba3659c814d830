"""Which turns of a voice batch are read for memories."""

from uuid import UUID

import pytest

from functions.chat_send.messages import Utterance, VoiceBatch
from functions.chat_send.queries import Waiting
from functions.chat_send.transcripts import waiting
from functions.shared.extraction_policy import Answered, Reading, every_turn


def batch(said: str) -> VoiceBatch:
    """A batch of ``u`` and ``a``, each message with its place as its text."""
    roles = {"u": "user", "a": "assistant"}
    return VoiceBatch(
        chat_id=UUID(int=0),
        messages=[
            Utterance(role=roles[who], text=str(place), client_msg_id=UUID(int=place))
            for place, who in enumerate(said)
        ],
    )


def turns(said: str) -> list[tuple[str, str]]:
    """What a policy is asked about: question and answer of each turn."""
    asked: list[Answered] = []
    waiting(batch(said), asked.append)
    assert {turn.messages for turn in asked} <= {len(said)}
    return [(turn.asked, turn.answered) for turn in asked]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("ua", [("0", "1")]),
        ("uaua", [("0", "1"), ("2", "3")]),
        ("uuaau", [("0\n1", "2\n3"), ("4", "")]),
        ("aaua", [("2", "3")]),
        ("u", [("0", "")]),
        ("aa", []),
    ],
)
def test_a_turn_is_what_the_user_said_and_what_followed(said, expected):
    assert turns(said) == expected


def test_every_turn_that_the_policy_wants_is_counted_once():
    assert waiting(batch("uaua"), every_turn) == Waiting(
        turns=2, turns_max=1, idle_s=0, window=8
    )


def test_a_window_reaches_back_to_the_first_turn_that_is_read():
    def second(turn: Answered) -> Reading | None:
        wanted = turn.asked == "2"
        return Reading(turns_max=1, idle_s=0, window=2) if wanted else None

    found = waiting(batch("uauauaua"), second)

    assert found == Waiting(turns=1, turns_max=1, idle_s=0, window=6)


def test_a_batch_of_which_nothing_is_wanted_waits_for_nothing():
    assert waiting(batch("uaua"), lambda _: None) is None
