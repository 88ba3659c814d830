"""A made corpus with known facts: people, conversations, sessions, messages.

Lengths follow the app's own conversations: half of them have 19 messages or fewer, one
in a hundred 874 or more. How a conversation falls into sessions, how long its pauses
are and how often a turn tells something durable is not known of them: these are
assumptions, named below, and `Mix` lets the report vary the ones that matter.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, log
from random import Random
from uuid import UUID

from deploy.policy_lab import corpus_texts as texts
from deploy.policy_lab.conversations import Corpus, Message, Told

LENGTH_P50, LENGTH_P99 = 19, 874
LENGTH_SIGMA = log(LENGTH_P99 / LENGTH_P50) / 2.326
LENGTH_MAX = 3_000
"""Messages of a conversation; a lognormal distribution through the two percentiles."""

DAYS = 120
GAP_P50_S, GAP_SIGMA = 50.0, 0.9
"""Seconds from an answer to the next message within a session."""

DISTRACTED, DISTRACTED_S = 0.04, (300.0, 1_500.0)
"""Share of gaps in which something else came up, and how long that took."""

PAUSE_P50_S, PAUSE_SIGMA, PAUSE_MIN_S = 57_600.0, 1.3, 1_800.0
"""Seconds from a session to the next of the same conversation: half under 16 hours."""

ANSWER_S = 8.0
PERSONAL, WORKING = 0.45, 0.35
"""Shares of sessions that are about the person or about work; the rest asks around."""

REPEATED = 0.3
"""Share of tellings that tell again what the person has told before."""

CHANGED = 0.06
"""Share of tellings that replace a fact: somebody moved, or changed jobs."""

WAY_SHARES = {
    "plain": 0.46,
    "buried": 0.12,
    "elliptic": 0.11,
    "implicit": 0.13,
    "hidden": 0.06,
    "answer": 0.10,
    "choice": 0.02,
}


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What the report varies.

    Attributes:
        conversations: How many.
        session_turns: Median turns of a session.
        facts: Factor of how often a turn tells something; 1 is about one in fifteen.
        hidden: Share of facts told in questions and instructions without a word for
            the speaker: the gate cannot see them.
    """

    conversations: int = 420
    session_turns: float = 8.0
    facts: float = 1.0
    hidden: float = WAY_SHARES["hidden"]


def made(seed: int, mix: Mix) -> Corpus:
    """Make the corpus; the same seed and mix make the same one."""
    random = Random(f"corpus {seed}")  # noqa: S311 - for a corpus, not for a secret
    people = [_Person(f"p{number}") for number in range(mix.conversations // 6)]
    messages: list[Message] = []
    for number in range(mix.conversations):
        person = people[number % len(people)]
        own = Random(random.random())  # noqa: S311 - as above
        chat = _Chat(f"c{number}", person, own, mix)
        messages.extend(chat.messages())
    messages.sort(key=lambda message: (message.at, message.chat))
    return Corpus(name=f"made, seed {seed}", messages=messages, clusters="person")


class _Person:
    """Somebody: what has been told so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.current: dict[str, str] = {}


class _Chat:
    """One conversation while it is made."""

    def __init__(self, name: str, person: _Person, random: Random, mix: Mix) -> None:
        self._name, self._person, self._random, self._mix = name, person, random, mix
        self._at = random.uniform(0, DAYS * 86_400)
        self._asked = ""

    def messages(self) -> Iterator[Message]:
        """Make the messages of all sessions."""
        random = self._random
        length = exp(random.gauss(log(LENGTH_P50), LENGTH_SIGMA))
        turns = max(1, round(min(length, LENGTH_MAX) / 2))
        while turns > 0:
            session = exp(random.gauss(log(self._mix.session_turns), 0.8))
            count = min(turns, max(1, round(session)))
            yield from self._session(count)
            turns -= count
            pause = exp(random.gauss(log(PAUSE_P50_S), PAUSE_SIGMA))
            self._at += max(PAUSE_MIN_S, pause)

    def _session(self, turns: int) -> Iterator[Message]:
        """Make the turns of one sitting."""
        drawn = self._random.random()
        kind = "personal" if drawn < PERSONAL else "working"
        kind = kind if drawn < PERSONAL + WORKING else "asking"
        for _ in range(turns):
            gap = exp(self._random.gauss(log(GAP_P50_S), GAP_SIGMA))
            if self._random.random() < DISTRACTED:
                gap = self._random.uniform(*DISTRACTED_S)
            self._at += gap
            text, told = self._says(kind)
            yield self._message("user", text, told)
            self._at += ANSWER_S
            yield self._message("assistant", self._answers(kind), ())

    def _message(self, role: str, text: str, told: tuple[Told, ...]) -> Message:
        return Message(
            id=UUID(int=self._random.getrandbits(128), version=4),
            chat=self._name,
            person=self._person.name,
            role=role,
            text=text,
            at=self._at,
            told=told,
        )

    def _says(self, kind: str) -> tuple[str, tuple[Told, ...]]:
        """Say something: with a fact, or without."""
        random = self._random
        share = {"personal": 0.12, "working": 0.025, "asking": 0.02}[kind]
        if self._asked or random.random() < share * self._mix.facts:
            return self._tells()
        pools, weights = {
            "personal": (
                (texts.CHATTER, texts.ASKING_SELF, texts.THANKING, texts.ASKING),
                (55, 18, 17, 10),
            ),
            "working": (
                (texts.ORDERING, texts.ASKING, texts.WORKING, texts.THANKING),
                (48, 16, 22, 14),
            ),
            "asking": (
                (texts.ASKING, texts.ORDERING, texts.CHATTER, texts.THANKING),
                (62, 10, 12, 16),
            ),
        }[kind]
        pool = random.choices(pools, weights)[0]
        if pool is texts.THANKING:
            return random.choice(pool), ()
        # Half of the messages are one sentence, some are four.
        sentences = min(len(pool), random.choices((1, 2, 3, 4), (50, 28, 14, 8))[0])
        return " ".join(random.sample(pool, sentences)), ()

    def _tells(self) -> tuple[str, tuple[Told, ...]]:
        """Tell a fact: a new one, an old one again, or one that replaces another."""
        random, current = self._random, self._person.current
        topic, replaces = self._asked or random.choice(list(texts.TOPICS)), ""
        known = [each for each in current if each.split()[0] == topic]
        if not self._asked and current and random.random() < REPEATED:
            topic = random.choice(list(current))
            fact = current[topic]
        else:
            if known and random.random() < CHANGED:
                topic = random.choice(known)
                replaces = current[topic]
            elif known:  # another of the kind: a second child
                topic = f"{topic} {len(known) + 1}"
            fact = f"{topic}: {random.choice(texts.TOPICS[topic.split()[0]].values)}"
            if fact == replaces:
                fact += " again"
        current[topic] = fact
        base = texts.TOPICS[topic.split()[0]]
        way = "answer" if self._asked else self._way()
        self._asked = ""
        told = (Told(fact=fact, way=way, replaces=replaces),)
        return self._worded(base, way, fact), told

    def _way(self) -> str:
        """Draw how a fact is told; an answer needs a question before it."""
        shares = {name: each for name, each in WAY_SHARES.items() if name != "answer"}
        rest = sum(each for name, each in shares.items() if name != "hidden")
        shares = {
            name: each * (1 - self._mix.hidden) / rest for name, each in shares.items()
        } | {"hidden": self._mix.hidden}
        return self._random.choices(list(shares), list(shares.values()))[0]

    def _worded(self, topic: texts.Topic, way: str, fact: str) -> str:
        """Put a fact into words."""
        random = self._random
        if way == "choice":
            return random.choice(texts.CHOICE)
        value = fact.partition(": ")[2].removesuffix(" again")
        form = random.choice(topic.ways["plain" if way == "buried" else way])
        told = form.format(v=value)
        told = told[0].upper() + told[1:]
        if way == "buried":
            return random.choice(texts.BURIED).format(told=told)
        if way in {"plain", "implicit"} and random.random() < 0.4:
            told = f"{told} {random.choice(texts.CHATTER)}"
        return told

    def _answers(self, kind: str) -> str:
        """Answer at length; sometimes with a question about the person."""
        random = self._random
        length = min(2_000.0, exp(random.gauss(log(450), 0.6)))
        parts: list[str] = []
        while sum(map(len, parts)) < length:
            parts.append(random.choice(texts.FILLER))
        asks = kind == "personal" and random.random() < 0.03 * self._mix.facts
        if asks:
            self._asked = random.choice(list(texts.TOPICS))
            parts.append(texts.TOPICS[self._asked].question)
        elif random.random() < 0.35:
            parts.append(random.choice(texts.ENDING))
        return " ".join(parts)
