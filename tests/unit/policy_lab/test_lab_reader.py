"""The stand-in: what loses more finds less; luck is the same for all."""

from dataclasses import replace
from uuid import UUID, uuid5

import pytest

from deploy.policy_lab import reader
from deploy.policy_lab.conversations import Corpus, Message, Told
from deploy.policy_lab.corpus import Mix, made
from deploy.policy_lab.facts import Facts
from deploy.policy_lab.intervals import share
from deploy.policy_lab.measuring import counts, find, materials
from deploy.policy_lab.reader import Luck, Reader, material
from deploy.policy_lab.replay import Read

SEED = 3


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return made(SEED, Mix(conversations=48))


@pytest.fixture(scope="module")
def facts(corpus) -> Facts:
    return Facts.of(corpus)


@pytest.fixture(scope="module")
def seen(corpus) -> dict:
    return {name: materials(corpus, name) for name in ("gathered", "every-turn")}


def recalled(facts, materials, reader: Reader) -> set:
    return set(find(facts, materials, reader, Luck(SEED)).known_at)


@pytest.mark.parametrize("name", ["gathered", "every-turn"])
@pytest.mark.parametrize("parameter", ["miss", "loss", "noise"])
def test_more_loss_finds_less_of_the_same(facts, seen, name, parameter):
    found = [
        recalled(facts, seen[name], Reader(**{parameter: value}))
        for value in (0.0, 0.1, 0.3)
    ]

    # A reading names five facts at most: then one that is lost makes room for another.
    assert len(found[0]) > len(found[1]) > len(found[2])
    assert len(found[2] - found[0]) <= 3


def test_reading_again_helps_the_less_the_more_the_fact_itself_is_hard(facts, seen):
    sizes = [
        len(recalled(facts, seen["every-turn"], Reader(correlation=each)))
        for each in (0.3, 0.8, 1.0)
    ]

    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[2]


def test_it_is_not_ours_that_wins_everywhere(facts, seen):
    independent = Reader(correlation=0.3, loss=0.0)
    forgetful = Reader(correlation=1.0, loss=0.05)

    def gain(reader: Reader) -> int:
        gathered = recalled(facts, seen["gathered"], reader)
        return len(gathered) - len(recalled(facts, seen["every-turn"], reader))

    assert gain(independent) < 0 < gain(forgetful)


def test_without_any_loss_only_what_was_not_shown_is_missed(facts, seen, monkeypatch):
    monkeypatch.setattr(reader, "MEMORIES_MAX", 100)
    perfect = Reader(miss=0, loss=0, noise=0, junk=0)
    shown = {
        (message.person, told.fact)
        for each in seen["gathered"]
        for message, told in each.facts
    }

    assert recalled(facts, seen["gathered"], perfect) == shown & set(facts.told_at)


def test_more_readings_make_more_false_memories(facts, seen):
    false = [
        find(facts, seen[name], Reader(junk=0.01, correlation=0.5), Luck(SEED)).false
        for name in ("gathered", "every-turn")
    ]

    assert 0 < false[0] < false[1]


def test_a_short_answer_is_found_only_with_its_question():
    def says(number: int, role: str, text: str, told=()) -> Message:
        return Message(
            id=uuid5(UUID(int=0), str(number)),
            chat="c",
            person="p",
            role=role,
            text=text,
            at=float(number),
            told=told,
        )

    asked = says(1, "assistant", "Do you have a pet?")
    said = says(2, "user", "A dog, Rex.", (Told(fact="pet: Rex", way="answer"),))
    read = Read(at=3.0, context=(), messages=[asked, said], is_gathered=True)

    assert len(material(read).facts) == 1
    assert material(replace(read, messages=[said])).facts == []


def test_an_interval_covers_the_share_about_as_often_as_it_says():
    from random import Random

    random = Random(1)
    covered = 0
    for sample in range(60):
        people = [
            (sum(random.random() < 0.8 for _ in range(10)), 10) for _ in range(40)
        ]
        interval = share(people, sample)
        covered += interval.low <= 0.8 <= interval.high

    assert covered >= 52


def test_a_difference_of_the_same_people_is_narrower_than_each(facts, seen):
    found = {
        name: counts(facts, find(facts, each, Reader(), Luck(SEED)).known_at)
        for name, each in seen.items()
    }
    ours, every = found["gathered"], found["every-turn"]
    paired = share(
        [(a - b, n) for (a, n), (b, _) in zip(ours, every, strict=True)], SEED
    )
    alone = share(ours, SEED)

    assert paired.high - paired.low < 1.5 * (alone.high - alone.low)
    assert paired.value == pytest.approx(alone.value - share(every, SEED).value)
