"""Chat traffic: who writes when, and what the function answered."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from math import ceil
from random import Random
from uuid import UUID, uuid4

from deploy.errors import UsageError
from deploy.local.facts import LocalStack
from deploy.smoke.gateway import Answer, Gateway
from deploy.smoke.person import sign
from deploy.smoke.proof import issuer
from infra.catalog.limits import CHAT_MESSAGES
from infra.catalog.services import CHAT_SEND

PEAK_SHARE = 0.4
"""Users that write at the same time (scaling plan, "Realtime Connections": 1,000
registered users at 40 % peak concurrency)."""

PAUSE_S = 2 * CHAT_MESSAGES.window_s / CHAT_MESSAGES.hits
"""Seconds between two messages of a user: half of what the limit admits."""

RATE_MAX = 4.0
"""Messages a second: a third of what 2 cores answer without falling behind, once the
functions are warm (measured 2026-11-23, see docs/benchmarks.md)."""

MINUTES_MAX = 10
SENDERS = 8
RETRY_EVERY = 20
"""Each so many-th message is sent twice, as by a client that lost the answer."""

SEED = 42


@dataclass(frozen=True, kw_only=True)
class Load:
    """The traffic of a replay.

    Attributes:
        users: Users that write.
        rate: Messages a second, on average.
        seconds: How long they write.
    """

    users: int
    rate: float
    seconds: float

    @classmethod
    def of(cls, users: int, minutes: float) -> "Load":
        """Derive the traffic from the number of users of the demo.

        Raises:
            UsageError: The time is out of its range.
        """
        if not 0 <= minutes <= MINUTES_MAX:
            raise UsageError(
                f"--minutes must be between 0 and {MINUTES_MAX}, got {minutes:g}:"
                " nothing was sent",
                remedy="./bootstrap demo --minutes 1",
            )
        active = ceil(users * PEAK_SHARE)
        rate = min(active / PAUSE_S, RATE_MAX)
        return cls(users=active, rate=rate, seconds=minutes * 60)

    def arrivals(self, random: Random) -> list[float]:
        """Draw when messages are sent, in seconds from the start.

        The gaps are exponential, as between people who do not know of each other; at
        most twice the average comes, and one message at least.
        """
        if not self.seconds:
            return []
        at_most = ceil(2 * self.rate * self.seconds)
        gaps = (random.expovariate(self.rate) for _ in range(at_most))
        times = [at for at in accumulate(gaps) if at < self.seconds]
        return times or [0.0]

    def told(self) -> str:
        """Say it in one line."""
        return (
            f"{self.users} users at once, {self.rate:.2f} messages/s for"
            f" {self.seconds:.0f} s"
        )


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message that is to be sent.

    Attributes:
        person: Its user and conversation.
        due: When, on the monotonic clock.
        attempts: How often: a client that lost the answer sends it again.
    """

    person: tuple[UUID, UUID]
    due: float
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One message and what the function said.

    Attributes:
        chat: Its conversation.
        client_msg_id: Its own id.
        late_s: How long after its time it was sent: the senders were busy.
        answer: The first answer.
        statuses: Status of each attempt.
    """

    chat: UUID
    client_msg_id: UUID
    late_s: float
    answer: Answer
    statuses: tuple[int, ...]


def replay(
    stack: LocalStack,
    load: Load,
    chats: Sequence[tuple[UUID, UUID]],
    progress: Callable[[str], None],
) -> list[Sent]:
    """Send the messages in time and wait for the answers of the function.

    Args:
        stack: Where to.
        load: How much.
        chats: User and conversation, each of one who writes; not empty.
        progress: Told now and then.

    Raises:
        DeployError: The emulator does not answer.
    """
    random = Random(SEED)  # noqa: S311 - the same traffic each time
    times = load.arrivals(random)
    began = time.monotonic()
    futures: list[Future[Sent]] = []
    with Gateway(stack) as gateway, ThreadPoolExecutor(SENDERS) as pool:
        try:
            for number, due in enumerate(times, 1):
                time.sleep(max(0.0, began + due - time.monotonic()))
                message = Message(
                    person=random.choice(chats),
                    due=began + due,
                    attempts=1 if number % RETRY_EVERY else 2,
                )
                futures.append(pool.submit(_send, gateway, stack, message))
                _raise_first(futures)
                progress(f"{number} of {len(times)} messages sent")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [future.result() for future in futures]


def _raise_first(futures: Sequence[Future[Sent]]) -> None:
    """Let a stack that is down end the replay at once."""
    for future in futures[-SENDERS:]:
        if future.done():
            future.result()


def _send(gateway: Gateway, stack: LocalStack, message: Message) -> Sent:
    """Send one message as its user, as often as it says."""
    late = time.monotonic() - message.due
    user, chat = message.person
    client_msg_id = uuid4()
    text = f"I write message {client_msg_id.hex[:8]} of the demo. What is next?"
    fields = {"chat_id": str(chat), "text": text, "client_msg_id": str(client_msg_id)}
    token = sign(user, stack.jwt_secret, issuer(stack))
    answers = [
        gateway.request(CHAT_SEND, token=token, body=json.dumps(fields).encode())
        for _ in range(message.attempts)
    ]
    return Sent(
        chat=chat,
        client_msg_id=client_msg_id,
        late_s=late,
        answer=answers[0],
        statuses=tuple(answer.status for answer in answers),
    )


def statuses(sent: Sequence[Sent]) -> dict[int, int]:
    """Count the answers by status, retries included."""
    return dict(
        sorted(Counter(status for one in sent for status in one.statuses).items())
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Give the smallest value that this share of all does not exceed.

    >>> percentile([40, 10, 20, 30], 0.5)
    20
    """
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
