"""What a policy costs and finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from deploy.policy_lab.conversations import Corpus, Message
from deploy.policy_lab.facts import Facts, Key
from deploy.policy_lab.intervals import Interval, quantile, share
from deploy.policy_lab.reader import Luck, Material, Reader, found, invented, material
from deploy.policy_lab.replay import replay
from functions.shared.extraction_policy import policy
from functions.shared.providers.models import DEFAULT_MODEL
from infra.catalog.models import PRICES

MEMORY_TOKENS = 70
"""Tokens of one memory in an answer: six fields, of which the text is a sentence."""

REWORDED = 0.15
"""Share of memories that a second telling words so differently that neither hash nor
similarity knows them, and a duplicate is kept; an assumption."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a policy finds of the facts.

    Attributes:
        known_at: When each became known.
        duplicates: Memories that say again what another one says.
        false: Memories of something that was not said.
        stale: Facts that do not hold any more and stand uncorrected.
        answered: Memories of all answers.
    """

    known_at: Mapping[Key, float]
    duplicates: int
    false: int
    stale: int
    answered: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A policy on a corpus.

    Attributes:
        policy: Its name.
        turns: Turns of the corpus.
        calls: Readings.
        usd: What they cost, with the default model's list price.
        read: Share of the user's messages that a reading was shown.
        delay_p50_s: Median time until a fact is known, or a message is read where
            facts are not labelled, in seconds.
        delay_p95_s: That of the slowest twentieth.
        found: What it finds; ``None`` where no facts are labelled.
        recall: Share of the facts that hold, that are known in the end.
        in_time: Share of the facts found that were known when their person next wrote
            in another conversation.
        versus: Recall less that of every-turn, both of the same people; ``None``
            without either.
    """

    policy: str
    turns: int
    calls: int
    usd: float
    read: float
    delay_p50_s: float
    delay_p95_s: float
    found: Found | None = None
    recall: Interval | None = None
    in_time: float = 0.0
    versus: Interval | None = None

    @property
    def calls_ratio(self) -> float:
        """Calls for each turn."""
        return self.calls / self.turns if self.turns else 0.0

    @property
    def usd_per_1000(self) -> float:
        """Cost of 1,000 turns, in USD."""
        return 1_000 * self.usd / self.turns if self.turns else 0.0


def materials(corpus: Corpus, name: str) -> list[Material]:
    """Replay a policy; what shows nothing is no call."""
    seen = [material(read) for read in replay(corpus, policy(name))]
    return [each for each in seen if each.said]


def find(facts: Facts, seen: Sequence[Material], reader: Reader, luck: Luck) -> Found:
    """Have the stand-in read."""
    known_at: dict[Key, float] = {}
    sources: set[UUID] = set()
    duplicates, answered = 0, 0
    false: set[UUID] = set()
    for each in seen:
        for message, told, _ in found(reader, luck, each):
            answered += 1
            # A message gives one memory: a second reading of it adds nothing.
            if message.id in sources:
                continue
            sources.add(message.id)
            key = (message.person, told.fact)
            if key not in known_at:
                known_at[key] = each.read.at
            elif luck.uniform("reworded", message.id) < REWORDED:
                duplicates += 1
        false |= {one.id for one in invented(reader, luck, each)}
    return Found(
        known_at={key: at for key, at in known_at.items() if key in facts.told_at},
        duplicates=duplicates,
        false=len(false),
        stale=sum(
            old in known_at and new not in known_at
            for old, new in facts.replaced.items()
        ),
        answered=answered + len(false),
    )


def counts(facts: Facts, known_at: Mapping[Key, float]) -> list[tuple[int, int]]:
    """Count facts known, and all, for each cluster, in the order of clusters."""
    clusters: dict[str, list[int]] = {}
    for key in facts.told_at:
        pair = clusters.setdefault(facts.cluster[key], [0, 0])
        pair[0] += key in known_at
        pair[1] += 1
    return [(each[0], each[1]) for each in clusters.values()]


def difference(facts: Facts, one: Found, other: Found, seed: int) -> Interval:
    """Give by how much the recall of one is above the other's, for the same people."""
    pairs = zip(counts(facts, one.known_at), counts(facts, other.known_at), strict=True)
    return share([(a - b, total) for (a, total), (b, _) in pairs], seed)


def measure(
    corpus: Corpus,
    facts: Facts,
    name: str,
    seen: Sequence[Material],
    *,
    reader: Reader,
    luck: Luck,
) -> Outcome:
    """Measure one policy, but for `Outcome.versus`."""
    result = find(facts, seen, reader, luck) if corpus.is_labelled else None
    first = _first_read(seen)
    said = [each for each in corpus.messages if each.role == "user"]
    delays = sorted(first[each.id] - each.at for each in said if each.id in first)
    in_time = 0.0
    if result:
        known = result.known_at
        delays = sorted(at - facts.told_at[key] for key, at in known.items())
        needed = [key for key in known if key in facts.needed_at]
        timely = sum(known[key] <= facts.needed_at[key] for key in needed)
        in_time = timely / len(needed) if needed else 0.0
    return Outcome(
        policy=name,
        turns=corpus.turns(),
        calls=len(seen),
        usd=_usd(seen, result.answered if result else 0),
        read=sum(each.id in first for each in said) / len(said) if said else 0.0,
        delay_p50_s=quantile(delays, 0.5),
        delay_p95_s=quantile(delays, 0.95),
        found=result,
        recall=share(counts(facts, result.known_at), luck.seed) if result else None,
        in_time=in_time,
    )


def _first_read(seen: Sequence[Material]) -> dict[UUID, float]:
    """Give when each message was first shown to a reading."""
    first: dict[UUID, float] = {}
    shown: list[tuple[float, Message]] = [
        (each.read.at, message) for each in seen for message in each.said
    ]
    for at, message in shown:
        first[message.id] = min(at, first.get(message.id, at))
    return first


def _usd(seen: Sequence[Material], memories: int) -> float:
    """Price tokens; an answer without a memory is two brackets."""
    price = next(each for each in PRICES if each.model == DEFAULT_MODEL)
    asked = sum(each.prompt_tokens for each in seen)
    written = memories * MEMORY_TOKENS + len(seen) * 2
    return (asked * price.input_usd + written * price.output_usd) / 1e6
