"""The lab itself: every policy, every setting of the stand-in, other conversations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from deploy.policy_lab.conversations import Corpus
from deploy.policy_lab.corpus import Mix, made
from deploy.policy_lab.facts import Facts
from deploy.policy_lab.intervals import Interval, share
from deploy.policy_lab.measuring import (
    Outcome,
    counts,
    difference,
    find,
    materials,
    measure,
)
from deploy.policy_lab.reader import Luck, Material, Reader

BASELINE = "every-turn"
MISSES = (0.05, 0.10, 0.20)
LOSSES = (0.0, 0.01, 0.02, 0.04)
CORRELATIONS = (0.5, 0.9, 1.0)

SMALL = 140
"""Conversations of each other corpus: they show a direction, not a digit."""

OTHERS: Mapping[str, Mix] = {
    "sessions of 4 turns": Mix(conversations=SMALL, session_turns=4),
    "sessions of 16 turns": Mix(conversations=SMALL, session_turns=16),
    "twice the facts": Mix(conversations=SMALL, facts=2),
    "20 % hidden from the gate": Mix(conversations=SMALL, hidden=0.2),
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The recall of each policy with one setting of the stand-in.

    Attributes:
        reader: The setting.
        recall: By policy.
        baseline: That of `BASELINE`, with its interval.
    """

    reader: Reader
    recall: Mapping[str, float]
    baseline: Interval

    def beyond(self, policy: str) -> int:
        """Say whether a policy is below (-1) or above (1) the baseline's interval."""
        value = self.recall[policy]
        return (value > self.baseline.high) - (value < self.baseline.low)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What the lab found.

    Attributes:
        corpus: What was replayed.
        reader: Setting of the stand-in in `outcomes`.
        facts: Facts that hold in the end.
        outcomes: Of each policy, in the order that was asked for.
        settings: The sweep; empty where no facts are labelled.
        others: Of other made conversations, by what differs; empty for an export.
    """

    corpus: Corpus
    reader: Reader
    facts: int
    outcomes: Sequence[Outcome]
    settings: Sequence[Setting]
    others: Mapping[str, Sequence[Outcome]]

    def outcome(self, policy: str) -> Outcome:
        """Give the outcome of a policy."""
        return next(each for each in self.outcomes if each.policy == policy)


def run(
    corpus: Corpus,
    policies: Sequence[str],
    seed: int,
    progress: Callable[[str], None],
    *,
    others: bool,
) -> Result:
    """Replay a corpus and, if it is labelled, sweep the stand-in.

    Args:
        corpus: What is replayed.
        policies: Names of policies; the sweep is made if `BASELINE` is among them.
        seed: Of the stand-in's luck.
        progress: Told what is being done.
        others: Whether other made conversations are measured as well.
    """
    facts = Facts.of(corpus)
    seen: dict[str, list[Material]] = {}
    for name in policies:
        progress(f"replaying {corpus.turns():,} turns with {name}")
        seen[name] = materials(corpus, name)
    reader, luck = Reader(), Luck(seed)
    outcomes = _outcomes(corpus, facts, seen, reader, luck)
    is_swept = corpus.is_labelled and BASELINE in seen
    progress("sweeping the settings of the stand-in")
    return Result(
        corpus=corpus,
        reader=reader,
        facts=len(facts.told_at),
        outcomes=outcomes,
        settings=_sweep(facts, seen, reader, luck) if is_swept else (),
        others=_others(policies, reader, seed, progress) if others else {},
    )


def _outcomes(
    corpus: Corpus,
    facts: Facts,
    seen: Mapping[str, Sequence[Material]],
    reader: Reader,
    luck: Luck,
) -> list[Outcome]:
    """Measure each policy, and each against the baseline."""
    found = {
        name: measure(corpus, facts, name, each, reader=reader, luck=luck)
        for name, each in seen.items()
    }
    baseline = found[BASELINE].found if BASELINE in found else None
    return [
        replace(each, versus=difference(facts, each.found, baseline, luck.seed))
        if each.found and baseline
        else each
        for each in found.values()
    ]


def _sweep(
    facts: Facts, seen: Mapping[str, Sequence[Material]], reader: Reader, luck: Luck
) -> list[Setting]:
    """Have each setting of the stand-in read what was replayed."""
    telling = {name: [one for one in each if one.facts] for name, each in seen.items()}
    settings = []
    for miss in MISSES:
        for correlation in CORRELATIONS:
            for loss in LOSSES:
                tried = replace(
                    reader, miss=miss, correlation=correlation, loss=loss, junk=0.0
                )
                known = {
                    name: counts(facts, find(facts, each, tried, luck).known_at)
                    for name, each in telling.items()
                }
                recall = {name: _value(each) for name, each in known.items()}
                baseline = share(known[BASELINE], luck.seed)
                settings.append(Setting(reader=tried, recall=recall, baseline=baseline))
    return settings


def _value(clusters: Sequence[tuple[int, int]]) -> float:
    """Give a share without its interval."""
    return sum(each for each, _ in clusters) / sum(total for _, total in clusters)


def _others(
    policies: Sequence[str],
    reader: Reader,
    seed: int,
    progress: Callable[[str], None],
) -> dict[str, list[Outcome]]:
    """Measure conversations of other kinds."""
    found = {}
    for name, mix in OTHERS.items():
        progress(f"replaying conversations with {name}")
        corpus = made(seed, mix)
        facts = Facts.of(corpus)
        seen = {each: materials(corpus, each) for each in policies}
        luck = Luck(seed)
        found[name] = _outcomes(corpus, facts, seen, reader, luck)
    return found
