"""A stand-in for the language model: how likely a reading finds a fact.

It is a model of a model, with its assumptions as parameters:

- A fact is missed more often the harder it is told (`HARDNESS`), the longer the
  material is, and the more of it is about something else.
- A second reading of the same message is not a new chance: what makes a fact hard is
  mostly in the message. Each fact has a luck of its own, each reading one of its own,
  and `Reader.correlation` says how much the first counts.
- A message without a fact gives a false memory now and then, in each reading anew.

All draws are made by name, so that policies and settings meet the same luck: one that
loses more finds a subset.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import exp, log, sqrt
from statistics import NormalDist
from uuid import UUID

from deploy.policy_lab.conversations import Message, Told
from deploy.policy_lab.replay import Read
from functions.extract_memory.material import chosen
from functions.extract_memory.prompts import Message as Line
from functions.extract_memory.prompts import extraction_prompt
from functions.extract_memory.queries import ANSWER_TEXT_MAX, MESSAGE_TEXT_MAX

CHARACTERS_A_TOKEN = 4
"""Of English prose, for the tokenizers of both providers; a common rule of thumb."""

HARDNESS = {
    "plain": 0.6,
    "labelled": 1.0,
    "answer": 1.0,
    "elliptic": 1.3,
    "buried": 1.6,
    "choice": 2.0,
    "implicit": 2.2,
    "hidden": 2.2,
}
"""Factor of the miss for each way of telling, an assumption; 1.0 on the average of the
made corpus."""

NEEDS = ("answer", "choice")
"""Ways of telling that are understood only with what the assistant said before."""

MEMORIES_MAX = 5
"""Memories of one reading: the prompt asks for so many at most."""

_NORMAL = NormalDist()


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What the stand-in loses.

    Attributes:
        miss: Share of facts that a reading of 100 tokens misses.
        loss: Share of the rest that each further 100 tokens lose: about one message.
        noise: Share that is lost where nothing else in the material is about the
            person.
        correlation: Share of the luck that belongs to the fact, 0 to 1; with 1 a second
            reading finds nothing that the first one missed.
        junk: Share of messages without a fact that give a false memory in a reading.
    """

    miss: float = 0.10
    loss: float = 0.01
    noise: float = 0.05
    correlation: float = 0.90
    junk: float = 0.005


@dataclass(frozen=True, kw_only=True)
class Material:
    """A reading as the stand-in sees it.

    Attributes:
        read: The reading.
        prompt_tokens: Tokens of the whole prompt.
        tokens: Tokens of the conversation in it.
        irrelevant: Share of the user's messages that tell nothing.
        said: Messages of the user that are shown.
        facts: What may be found, with the message that tells it.
    """

    read: Read
    prompt_tokens: int
    tokens: float
    irrelevant: float
    said: Sequence[Message]
    facts: Sequence[tuple[Message, Told]]


def material(read: Read) -> Material:
    """Write the prompt of a reading as extract_memory does, and see what is in it."""
    lines = [_line(each, is_read=True) for each in read.context]
    lines += [_line(each, is_read=False) for each in read.messages]
    if read.is_gathered:
        lines = chosen(lines)
    prompt = extraction_prompt(lines)
    text = sum(len(turn.text) for turn in prompt.turns)
    shown = {line.id: line.text for line in lines}
    messages = [*read.context, *read.messages]
    said = [each for each in messages if each.role == "user" and each.id in shown]
    facts = [
        (message, told)
        for number, message in enumerate(messages)
        if message.id in shown
        for told in message.told or ()
        if told.way not in NEEDS or _is_clear(told, messages[:number], shown)
    ]
    silent = sum(not each.told for each in said)
    return Material(
        read=read,
        prompt_tokens=(text + len(prompt.instructions)) // CHARACTERS_A_TOKEN,
        tokens=text / CHARACTERS_A_TOKEN,
        irrelevant=silent / len(said) if said else 1.0,
        said=said,
        facts=facts,
    )


def _line(message: Message, *, is_read: bool) -> Line:
    """Give a message as extract_memory takes it from the database."""
    is_user = message.role == "user"
    return Line(
        id=message.id,
        role="user" if is_user else "assistant",
        text=message.text[:MESSAGE_TEXT_MAX]
        if is_user
        else message.text[-ANSWER_TEXT_MAX:],
        is_read=is_read,
    )


def _is_clear(told: Told, before: Sequence[Message], shown: Mapping[UUID, str]) -> bool:
    """Tell whether a reading has the question or the list that a message needs."""
    if not before or before[-1].id not in shown:
        return False
    # A question stands at the end of what the assistant says; a list needs it all.
    text = shown[before[-1].id]
    return told.way == "answer" or len(text) >= len(before[-1].text)


def chance(reader: Reader, seen: Material, way: str) -> float:
    """Give the probability that a reading finds a fact."""
    further = max(0.0, seen.tokens / 100 - 1)
    found = 1 - min(1.0, reader.miss * HARDNESS[way])
    kept = exp(further * log(1 - reader.loss)) if reader.loss < 1 else 0.0
    return found * kept * (1 - reader.noise * seen.irrelevant)


class Luck:
    """Draws by name: the same name, the same number.

    Args:
        seed: Of all draws.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._drawn: dict[tuple[object, ...], float] = {}

    def normal(self, *name: object) -> float:
        """Draw from the standard normal distribution."""
        drawn = self._drawn.get(name)
        if drawn is None:
            key = ":".join(map(str, (self.seed, *name)))
            digest = sha256(key.encode()).digest()
            uniform = (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
            drawn = self._drawn[name] = _NORMAL.inv_cdf(uniform)
        return drawn

    def uniform(self, *name: object) -> float:
        """Draw from 0 to 1."""
        return _NORMAL.cdf(self.normal(*name))

    def both(self, reader: Reader, message: UUID, read: UUID, what: str) -> float:
        """Mix the luck of a message with that of a reading of it."""
        own = self.normal(what, message)
        other = self.normal(what, message, read)
        return sqrt(reader.correlation) * own + sqrt(1 - reader.correlation) * other


def found(
    reader: Reader, luck: Luck, seen: Material
) -> list[tuple[Message, Told, float]]:
    """Give what a reading finds, the surest first, at most `MEMORIES_MAX`."""
    newest = seen.read.messages[-1].id
    drawn = []
    for message, told in seen.facts:
        chances = min(max(chance(reader, seen, told.way), 1e-9), 1 - 1e-9)
        margin = _NORMAL.inv_cdf(chances) - luck.both(
            reader, message.id, newest, "found"
        )
        if margin > 0:
            drawn.append((message, told, margin))
    return sorted(drawn, key=lambda each: -each[2])[:MEMORIES_MAX]


def invented(reader: Reader, luck: Luck, seen: Material) -> list[Message]:
    """Give the messages of which a reading notes something that is not so."""
    if not reader.junk:
        return []
    newest = seen.read.messages[-1].id
    bound = _NORMAL.inv_cdf(reader.junk)
    return [
        each
        for each in seen.said
        if not each.told and luck.both(reader, each.id, newest, "junk") < bound
    ]
