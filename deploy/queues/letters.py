"""Dead letters: look at them without taking them, take them away."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

BATCH = 10
"""Messages of one call (Amazon SQS API reference)."""

LETTERS_MAX = 1_000
"""Letters that one look reads; more are only counted."""

HIDDEN_S = 60
"""How long a letter that is looked at is hidden from others, in seconds: a look at a
thousand takes some seconds, and gives them back at its end."""

WAIT_S = 1
"""SQS asks all of its servers only if it may wait (developer guide, "Short and long
polling"). The emulator is one."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message of a dead-letter queue; its text is never kept.

    Attributes:
        message_id: Id that SQS gave it.
        receipt: What it is given back or deleted by.
        outbox_id: The outbox row that it is about; ``None`` if it names none.
        receives: How often it was delivered, looks at it included.
        sent_at: When it was first sent, in seconds since 1970.
        size: Bytes of its body.
    """

    message_id: str
    receipt: str = field(repr=False)
    outbox_id: int | None
    receives: int
    sent_at: float
    size: int

    @property
    def age_s(self) -> int:
        """Seconds since it was first sent."""
        return max(int(time.time() - self.sent_at), 0)


class Box:
    """A dead-letter queue.

    Args:
        sqs: Client of SQS.
        url: URL of the queue.
        wait_s: How long a look may wait for letters, in seconds.
    """

    def __init__(self, sqs: Any, url: str, *, wait_s: int = WAIT_S) -> None:
        self._sqs = sqs
        self._url = url
        self._wait_s = wait_s
        self._hidden: dict[str, Letter] = {}

    def count(self) -> int:
        """Count the letters, those that somebody else looks at included; roughly."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def read(self) -> list[Letter]:
        """Read the letters, at most `LETTERS_MAX`; they are hidden for a minute."""
        while len(self._hidden) < LETTERS_MAX:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=HIDDEN_S,
                WaitTimeSeconds=self._wait_s,
                AttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
            found = [_letter(message) for message in answer.get("Messages", [])]
            if not found:
                break
            self._hidden |= {letter.message_id: letter for letter in found}
        return list(self._hidden.values())

    def give_back(self) -> None:
        """Show the letters again that were read and not deleted."""
        for entries in _entries(list(self._hidden.values())):
            self._sqs.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[entry | {"VisibilityTimeout": 0} for entry in entries],
            )
        self._hidden.clear()

    def delete(self, letters: Sequence[Letter]) -> int:
        """Delete letters; give how many SQS did not delete."""
        failed = 0
        for entries in _entries(letters):
            answer = self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
            failed += len(answer.get("Failed", []))
        for letter in letters:
            self._hidden.pop(letter.message_id, None)
        return failed


def _entries(letters: Sequence[Letter]) -> Iterator[list[dict[str, Any]]]:
    """Write letters as the entries of batches."""
    for start in range(0, len(letters), BATCH):
        yield [
            {"Id": str(number), "ReceiptHandle": letter.receipt}
            for number, letter in enumerate(letters[start : start + BATCH])
        ]


def _letter(message: dict[str, Any]) -> Letter:
    """Read a message of SQS."""
    attributes = message.get("Attributes", {})
    return Letter(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        outbox_id=outbox_id(message["Body"]),
        receives=int(attributes.get("ApproximateReceiveCount", 0)),
        sent_at=int(attributes.get("SentTimestamp", time.time() * 1000)) / 1000,
        size=len(message["Body"].encode()),
    )


def outbox_id(body: str) -> int | None:
    """Find the outbox row that a message is about.

    >>> outbox_id('{"outbox_id": 7, "chat_id": "x"}'), outbox_id("[7]"), outbox_id("{")
    (7, None, None)
    """
    try:
        work = json.loads(body)
    except (ValueError, RecursionError):
        return None
    number = work.get("outbox_id") if isinstance(work, dict) else None
    if not isinstance(number, int) or isinstance(number, bool):
        return None
    return number if 0 < number < 2**63 else None
