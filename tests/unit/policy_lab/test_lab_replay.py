"""Replaying: what waits, what is read when, and never twice without need."""

from uuid import UUID

import pytest

from deploy.policy_lab import replay as module
from deploy.policy_lab.conversations import Corpus, Message
from deploy.policy_lab.replay import replay
from functions.shared.extraction_policy import Reading, every_turn
from infra.catalog.limits import MEMORY_EXTRACTIONS

PAUSE_S = 100.0


def corpus(turns: int, chats: int = 1, gap_s: float = PAUSE_S) -> Corpus:
    messages = []
    for turn in range(turns):
        for chat in range(chats):
            for half, role in enumerate(("user", "assistant")):
                number = len(messages)
                messages.append(
                    Message(
                        id=UUID(int=number),
                        chat=f"c{chat}",
                        person="p",
                        role=role,
                        text=f"I say {number}.",
                        at=turn * gap_s + chat + half / 2,
                    )
                )
    messages.sort(key=lambda each: each.at)
    return Corpus(name="test", messages=messages, clusters="person")


def waiting(turns_max: int, idle_s: int):
    return lambda turn: Reading(turns_max=turns_max, idle_s=idle_s, window=None)


def test_every_turn_reads_overlapping_windows_of_eight():
    reads = replay(corpus(6), every_turn)

    assert [len(read.messages) for read in reads] == [2, 4, 6, 8, 8, 8]
    assert not any(read.context for read in reads)


def test_turns_wait_until_there_are_enough_or_the_conversation_rests():
    reads = replay(corpus(7), waiting(3, 250))

    assert [read.at for read in reads] == [200.5, 500.5, 600.5 + 250]
    assert [len(read.messages) for read in reads] == [6, 6, 2]


def test_a_turn_that_asks_moves_the_rest():
    reads = replay(corpus(5), waiting(99, 150))

    assert [read.at for read in reads] == [400.5 + 150]


def test_each_message_is_unread_once_and_shown_again_as_context():
    said = corpus(30)
    reads = replay(said, waiting(4, 9_999))

    assert [each.id for read in reads for each in read.messages] == [
        each.id for each in said.messages
    ]
    assert [len(read.context) for read in reads[:5]] == [0, 8, 16, 24, 24]


def test_a_reading_is_bounded_and_the_rest_follows():
    reads = replay(corpus(45), waiting(99, 300))

    assert [len(read.messages) for read in reads] == [40, 40, 10]
    assert reads[1].at == reads[0].at
    assert reads[2].at == reads[1].at + 300


def test_the_limit_of_a_day_holds_readings_back(monkeypatch):
    reads = replay(corpus(250, gap_s=60), every_turn)

    hits, window_s = MEMORY_EXTRACTIONS.hits, MEMORY_EXTRACTIONS.window_s
    assert [read.at - reads[0].at < window_s for read in reads].count(True) == hits
    assert reads[hits].at == pytest.approx(reads[0].at + window_s)


def test_a_turn_that_is_not_counted_is_read_with_the_next_that_is():
    def second(turn):
        return waiting(1, 0)(turn) if turn.messages % 4 == 0 else None

    reads = replay(corpus(4), second)

    assert [len(read.messages) for read in reads] == [4, 4]


def test_it_reads_as_many_messages_as_the_function_does():
    from functions.extract_memory import queries

    assert module.MESSAGES_MAX is queries.MESSAGES_MAX
