"""Replays messages through a policy: which readings it makes, when, of what.

The policies are the ones that the functions run, and the waiting is that of
``kiloscale.defer_extraction``: a turn that asks is counted and moves the time at which
the conversation counts as resting; a reading takes what is unread, 40 messages at
most, and a user's readings of a day are limited. A reading takes no time here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from deploy.policy_lab.conversations import Corpus, Message
from functions.extract_memory.queries import CONTEXT_MESSAGES, MESSAGES_MAX
from functions.shared.extraction_policy import MATURE_AT, Answered, Policy, Reading
from infra.catalog.limits import MEMORY_EXTRACTIONS


@dataclass(frozen=True, kw_only=True)
class Read:
    """One call of the model.

    Attributes:
        at: When, in seconds.
        context: Messages that were read before and are shown again.
        messages: Those that memories may be noted from, oldest first.
        is_gathered: Whether it is a reading of what was unread; else a window.
    """

    at: float
    context: Sequence[Message]
    messages: Sequence[Message]
    is_gathered: bool


@dataclass(kw_only=True)
class _Chat:
    """A conversation as far as it went."""

    messages: list[Message] = field(default_factory=list)
    read_through: int = 0
    waiting: int = 0
    due: float | None = None
    reading: Reading | None = None


def replay(corpus: Corpus, policy: Policy) -> list[Read]:
    """Give the readings that a policy makes of a corpus, by person, in time."""
    people: dict[str, list[Message]] = {}
    for message in corpus.messages:
        people.setdefault(message.person, []).append(message)
    return [
        read
        for messages in people.values()
        for read in _Replay(policy).readings(messages)
    ]


class _Replay:
    """The conversations of one person."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._chats: dict[str, _Chat] = {}
        self._day_began, self._hits = float("-inf"), 0

    def readings(self, messages: Sequence[Message]) -> Iterator[Read]:
        """Go through the messages in the order of time, and rest at the end."""
        for message in messages:
            yield from self._fall_due(message.at)
            chat = self._chats.setdefault(message.chat, _Chat())
            chat.messages.append(message)
            if message.role == "assistant":
                yield from self._answered(chat)
        yield from self._fall_due(float("inf"))

    def _answered(self, chat: _Chat) -> Iterator[Read]:
        """Complete a turn, if a message of the user is before the answer."""
        answer = chat.messages[-1]
        asked = chat.messages[-2] if len(chat.messages) > 1 else answer
        if asked.role != "user":
            return
        reading = self._policy(
            Answered(
                message_id=answer.id,
                asked=asked.text,
                answered=answer.text,
                messages=min(len(chat.messages), MATURE_AT),
            )
        )
        if reading is None:
            return
        chat.waiting += 1
        chat.reading = reading
        at_once = chat.waiting >= reading.turns_max
        chat.due = answer.at + (0 if at_once else reading.idle_s)
        yield from self._fall_due(answer.at)

    def _fall_due(self, now: float) -> Iterator[Read]:
        """Make the readings that are due, the oldest first."""
        while True:
            due = [
                chat
                for chat in self._chats.values()
                if chat.due is not None and chat.due <= now
            ]
            if not due:
                return
            chat = min(due, key=lambda each: each.due or 0.0)
            at = chat.due or 0.0
            if until := self._held_until(at):
                chat.due = until
                continue
            yield self._read(chat, at)

    def _held_until(self, at: float) -> float | None:
        """Count a reading; if the user's limit refuses it, say until when."""
        if at >= self._day_began + MEMORY_EXTRACTIONS.window_s:
            self._day_began, self._hits = at, 0
        if self._hits >= MEMORY_EXTRACTIONS.hits:
            return self._day_began + MEMORY_EXTRACTIONS.window_s
        self._hits += 1
        return None

    def _read(self, chat: _Chat, at: float) -> Read:
        """Read a window, or what is unread with some messages before it."""
        window = chat.reading.window if chat.reading else None
        chat.waiting, chat.due = 0, None
        if window is not None:
            return Read(
                at=at,
                context=(),
                messages=chat.messages[-window:],
                is_gathered=False,
            )
        first = chat.read_through
        last = min(first + MESSAGES_MAX, len(chat.messages))
        chat.read_through = last
        # A full reading's worth goes on at once, a rest waits like other turns.
        left_over = len(chat.messages) - last
        if left_over and chat.reading:
            whole = left_over >= MESSAGES_MAX
            chat.due = at if whole else at + chat.reading.idle_s
        return Read(
            at=at,
            context=chat.messages[max(0, first - CONTEXT_MESSAGES) : first],
            messages=chat.messages[first:last],
            is_gathered=True,
        )
