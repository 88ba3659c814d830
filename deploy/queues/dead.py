"""What is dead of one queue, and what to do about it: no I/O here."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deploy.checklist import Result, Status
from deploy.queues.letters import Letter
from deploy.queues.rows import Row

SHOWN = 50
"""Works that the evidence lists; the counts are of all."""

REPLAY = "./bootstrap queue.replay"
MALFORMED = (
    "no outbox row is named in them, so nothing of ours sent them and nothing waits for"
    " them: they stay until their retention ends; find who else sends to the queue"
)


@dataclass(frozen=True, kw_only=True)
class Dead:
    """What no consumer could do, of one topic.

    Attributes:
        name: Name of the queue, or of the topic where there is none.
        topic: ``kiloscale.outbox.topic`` of its rows.
        letters: Dead letters that were read.
        counted: Dead letters in all.
        rows: Dead rows, and rows that the letters are about.
        unseen: Why there are no letters to look at; ``None`` if there could be.
    """

    name: str
    topic: str
    letters: Sequence[Letter] = ()
    counted: int = 0
    rows: Sequence[Row] = ()
    unseen: str | None = None

    @property
    def by_id(self) -> dict[int, Row]:
        """The rows, by their id."""
        return {row.id: row for row in self.rows}

    @property
    def malformed(self) -> list[Letter]:
        """Letters that name no outbox row."""
        return [letter for letter in self.letters if letter.outbox_id is None]

    @property
    def gone(self) -> list[Letter]:
        """Letters whose row is not there: the work was done meanwhile, or dropped."""
        rows = self.by_id
        return [
            letter
            for letter in self.letters
            if letter.outbox_id is not None and letter.outbox_id not in rows
        ]

    @property
    def left(self) -> list[Letter]:
        """Letters whose row still waits for its effect."""
        rows = self.by_id
        return [letter for letter in self.letters if letter.outbox_id in rows]

    @property
    def dead_rows(self) -> int:
        """How many rows are dead, those that were not read included."""
        return max((row.of_topic for row in self.by_id.values()), default=0)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is dead."""
        return not (self.letters or self.counted or self.dead_rows)

    def works(self) -> list[dict[str, Any]]:
        """List the works, oldest first: ids, ages, counts and reasons, no text."""
        letters = Counter(letter.outbox_id for letter in self.letters)
        receives: dict[int, int] = {}
        ages = {row.id: row.age_s for row in self.by_id.values()}
        for letter in [*self.gone, *self.left]:
            number = letter.outbox_id or 0
            receives[number] = max(receives.get(number, 0), letter.receives)
            ages[number] = max(ages.get(number, 0), letter.age_s)
        found = [
            {
                "outbox_id": number,
                "row": row.state if (row := self.by_id.get(number)) else "gone",
                "age_s": age,
                "letters": letters[number],
                "receives": receives.get(number, 0),
                "sends": row.sends if row else None,
                "reason": row.reason if row else None,
            }
            for number, age in ages.items()
        ]
        return sorted(found, key=lambda work: -work["age_s"])


def shown(dead: Dead) -> Result:
    """Show what is dead of one queue."""
    works = dead.works()
    return Result(
        id=f"queues.{dead.name}",
        title=_title(dead, works),
        status=_status(dead),
        evidence=evidence(dead, works),
        remedy=None if dead.is_empty or _is_stuck(dead) else REPLAY,
    )


def evidence(dead: Dead, works: Sequence[dict[str, Any]]) -> dict[str, object]:
    """Write down what was seen; what is not there is left out."""
    seen: dict[str, object] = {
        "topic": dead.topic,
        "dead_rows": dead.dead_rows,
        "dead_letters": dead.counted,
    }
    if works:
        seen["oldest_s"] = works[0]["age_s"]
        seen["reasons"] = Counter(
            work["reason"] or "not noted" for work in works if work["row"] != "gone"
        )
        seen["works"] = list(works[:SHOWN])
    if dead.malformed:
        seen["malformed"] = [
            {
                "message_id": letter.message_id,
                "age_s": letter.age_s,
                "receives": letter.receives,
                "bytes": letter.size,
            }
            for letter in dead.malformed[:SHOWN]
        ]
        seen["what_to_do"] = MALFORMED
    if dead.unseen:
        seen["letters"] = dead.unseen
    return seen


def _status(dead: Dead) -> Status:
    """Judge: what is dead fails the check, what could not be seen warns."""
    if not dead.is_empty:
        return Status.FAIL
    return Status.WARN if dead.unseen else Status.PASS


def _is_stuck(dead: Dead) -> bool:
    """Tell whether nothing but malformed letters is left."""
    return not dead.dead_rows and len(dead.malformed) == dead.counted


def _title(dead: Dead, works: Sequence[dict[str, Any]]) -> str:
    """Say it in a line."""
    unseen = f"; letters not seen: {dead.unseen}" if dead.unseen else ""
    if dead.is_empty:
        return f"nothing is dead{unseen}"
    parts = [
        number(dead.dead_rows, "dead row") if dead.dead_rows else "",
        number(dead.counted, "dead letter") if dead.counted else "",
        f"{len(dead.gone)} of them done meanwhile" if dead.gone else "",
        f"{len(dead.malformed)} of them malformed" if dead.malformed else "",
        f"oldest {duration(works[0]['age_s'])}" if works else "",
    ]
    return ", ".join(part for part in parts if part) + unseen


def number(count: int, noun: str) -> str:
    """Count something.

    >>> number(1, "row"), number(2, "row")
    ('1 row', '2 rows')
    """
    return f"{count} {noun}{'s' * (count != 1)}"


def duration(seconds: int) -> str:
    """Write a time as a person says it.

    >>> [duration(each) for each in (59, 3_700, 200_000)]
    ['59 s', '61 min', '55 h']
    """
    if seconds < 120:
        return f"{seconds} s"
    if seconds < 7_200:
        return f"{seconds // 60} min"
    return f"{seconds // 3_600} h"
