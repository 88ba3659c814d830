"""Send dead work again: outbox rows are the truth, letters only remind of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from deploy.account import explained
from deploy.checklist import Result, Status
from deploy.queues import access, rows
from deploy.queues.access import Place
from deploy.queues.dead import REPLAY, Dead, evidence, number
from deploy.queues.letters import BATCH, Box
from deploy.queues.looking import looked_at, queue_of
from deploy.queues.rows import Revived


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What was done, in rows and letters.

    Attributes:
        revived: Rows that are to be sent again.
        sent: Those that were sent at once; the relay sends the others.
        deleted: Letters that were deleted, since their row speaks for them or is gone.
        kept: Letters that SQS did not delete.
    """

    revived: int = 0
    sent: int = 0
    deleted: int = 0
    kept: int = 0


def replay(place: Place, name: str, outbox_id: int | None) -> Result:
    """Send the dead work of one queue again.

    First the rows, then their messages, then the letters: whatever interrupts this, a
    row is not forgotten, and a second run finds only what is left.

    Args:
        place: Where the work is.
        name: One of `looking.NAMES`.
        outbox_id: Only the work of this row; ``None`` for all.
    """
    with looked_at(place, name) as (found, box):
        dead = only(found, outbox_id)
        if place.deployment.dry_run or dead.is_empty:
            return planned(dead)
        done = _do(place, dead, box, outbox_id)
    return told(dead, done)


def only(dead: Dead, outbox_id: int | None) -> Dead:
    """Leave out all but the work of one row."""
    if outbox_id is None:
        return dead
    letters = [each for each in dead.letters if each.outbox_id == outbox_id]
    chosen = [
        replace(row, of_topic=min(row.of_topic, 1))
        for row in dead.rows
        if row.id == outbox_id
    ]
    return replace(dead, letters=letters, counted=len(letters), rows=chosen)


def _do(place: Place, dead: Dead, box: Box | None, outbox_id: int | None) -> Replayed:
    """Revive, send and clear."""
    queue = queue_of(dead.name)
    ids = {letter.outbox_id for letter in dead.left if letter.outbox_id}
    if outbox_id is not None:
        ids.add(outbox_id)
    revived = rows.revive(
        place.connection,
        dead.topic,
        ids,
        all_dead=outbox_id is None,
        is_sent=box is not None,
    )
    sent = 0
    kept = 0
    done_with = [*dead.gone, *dead.left]
    if box and queue:
        with explained(place.deployment, "the queue"):
            url = access.work_queue(place, queue)
            refused = _send(place.sqs, url, revived)
            if refused:
                rows.make_due(place.connection, refused)
            sent = len(revived) - len(refused)
            kept = box.delete(done_with)
    return Replayed(
        revived=len(revived), sent=sent, deleted=len(done_with) - kept, kept=kept
    )


def _send(sqs: Any, url: str, revived: Sequence[Revived]) -> list[int]:
    """Send messages; give the rows whose message SQS did not take."""
    refused = []
    for start in range(0, len(revived), BATCH):
        entries = [
            {"Id": str(row.id), "MessageBody": row.body}
            for row in revived[start : start + BATCH]
        ]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        refused += [int(failed["Id"]) for failed in answer.get("Failed", [])]
    return refused


def planned(dead: Dead) -> Result:
    """Say what would be sent again."""
    works = dead.works()
    letters = len(dead.gone) + len(dead.left)
    waits = sum(row.state in {"dead", "waits"} for row in dead.rows)
    rows_left = max(dead.dead_rows, waits)
    return Result(
        id=f"queues.{dead.name}",
        title="nothing is dead"
        if dead.is_empty
        else f"would send {_sentence(rows_left, letters, dead)}",
        status=Status.WARN if dead.malformed or dead.unseen else Status.PASS,
        evidence=evidence(dead, works),
        planned=bool(rows_left or letters),
    )


def told(dead: Dead, done: Replayed) -> Result:
    """Say what was done."""
    more = dead.counted > len(dead.letters)
    left = f"; SQS did not delete {done.kept} of them" if done.kept else ""
    left += "; there are more letters" if more else ""
    by_relay = done.revived - done.sent
    later = f"; {by_relay} with the relay's next sweep" if by_relay else ""
    sentence = _sentence(done.revived, done.deleted, dead)
    return Result(
        id=f"queues.{dead.name}",
        title=f"sent {sentence}{later}{left}",
        status=Status.WARN
        if done.kept or more or dead.malformed or dead.unseen
        else Status.PASS,
        evidence=evidence(dead, dead.works())
        | {
            "rows_revived": done.revived,
            "rows_sent": done.sent,
            "letters_deleted": done.deleted,
            "letters_of_done_work": len(dead.gone),
        },
        remedy=REPLAY if done.kept or more else None,
        changed=bool(done.revived or done.deleted),
    )


def _sentence(rows_again: int, letters: int, dead: Dead) -> str:
    """Count rows and letters in words."""
    said = f"{number(rows_again, 'row')} again, {number(letters, 'letter')} cleared"
    if dead.gone:
        said += f" ({len(dead.gone)} of work that was done meanwhile)"
    if dead.malformed:
        said += f", {len(dead.malformed)} malformed left"
    return said
