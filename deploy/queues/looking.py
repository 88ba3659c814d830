"""Look at what is dead of the queues; nothing is taken."""

from collections.abc import Iterator
from contextlib import contextmanager

from deploy.account import NotThereError, explained
from deploy.queues import access, rows
from deploy.queues.access import Place
from deploy.queues.dead import Dead
from deploy.queues.letters import Box, Letter
from infra.catalog.queues import QUEUES, Queue

REALTIME = "realtime"
"""Topic of the events that the relay broadcasts itself: there is no queue."""

CDN_PURGE = "cdn-purge"
"""Topic of changed images, of which the relay itself tells the CDN."""

NAMES = (*(queue.name for queue in QUEUES), REALTIME, CDN_PURGE)
"""What ``--queue`` may name."""


def queue_of(name: str) -> Queue | None:
    """Give the queue of a name; ``None`` for `REALTIME`."""
    return next((each for each in QUEUES if each.name == name), None)


@contextmanager
def looked_at(place: Place, name: str) -> Iterator[tuple[Dead, Box | None]]:
    """Give what is dead of one queue, its letters hidden from others meanwhile.

    Args:
        place: Where to look.
        name: One of `NAMES`.

    Raises:
        AuthError: The credentials are missing or refused.
        DeployError: SQS or the database refuses something.
    """
    queue = queue_of(name)
    topic = queue.topic if queue else name
    box, unseen = _box(place, queue)
    letters: list[Letter] = []
    counted = 0
    try:
        if box:
            with explained(place.deployment, "the dead letters"):
                letters = box.read()
                counted = max(box.count(), len(letters))
        ids = {letter.outbox_id for letter in letters if letter.outbox_id}
        dead = Dead(
            name=name,
            topic=topic,
            letters=letters,
            counted=counted,
            rows=rows.find(place.connection, topic, ids),
            unseen=unseen,
        )
        yield dead, box
    finally:
        if box:
            with explained(place.deployment, "the dead letters"):
                box.give_back()


def _box(place: Place, queue: Queue | None) -> tuple[Box | None, str | None]:
    """Find the dead-letter queue, or say why there is none to look at."""
    if queue is None:
        return None, None
    try:
        return access.dead_letters(place, queue), None
    except NotThereError as missing:
        return None, str(missing)
