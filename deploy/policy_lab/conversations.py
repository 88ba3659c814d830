"""What is replayed: messages, and what they are known to tell about their writers."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class Told:
    """A fact that a message tells.

    Attributes:
        fact: Its name, the same whenever the person tells it again.
        way: One of `WAYS`.
        replaces: The fact that does not hold any more; empty for none.
    """

    fact: str
    way: str = "plain"
    replaces: str = ""


WAYS = (
    "plain",
    "buried",
    "elliptic",
    "implicit",
    "hidden",
    "answer",
    "choice",
    "labelled",
)
"""How a fact is told: in the first person; within a long message about other things;
without a first person ("just moved to Porto"); so that it must be concluded; in a
question or an instruction without a word for the speaker; as the short answer to the
assistant's question; as a choice of what the assistant listed; by a label of an export,
of which nothing else is known."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message.

    Attributes:
        id: Its id; the plan's policy draws by it.
        chat: Its conversation.
        person: Whose conversation it is.
        role: ``user`` or ``assistant``.
        text: What it says.
        at: When, in seconds; only differences count.
        told: What it tells about the person; ``None`` if that is not known.
    """

    id: UUID
    chat: str
    person: str
    role: str
    text: str
    at: float
    told: tuple[Told, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Messages in the order of time.

    Attributes:
        name: Where they come from.
        messages: All of them.
        clusters: Attribute of `Message` whose values are independent of each other:
            ``person``, or ``chat`` where all belong to one person.
    """

    name: str
    messages: Sequence[Message]
    clusters: str

    @property
    def is_labelled(self) -> bool:
        """Whether it is known what the messages tell."""
        return any(message.told for message in self.messages)

    def turns(self) -> int:
        """Count the turns: answers to a user's message."""
        waiting: set[str] = set()
        turns = 0
        for message in self.messages:
            if message.role == "user":
                waiting.add(message.chat)
            elif message.chat in waiting:
                waiting.discard(message.chat)
                turns += 1
        return turns
