"""Tell the user's devices of an answer, and extract_memory what is to be read."""

import logging

from functions.llm_handler import queries, statements
from functions.llm_handler.rows import Saved, Taken
from functions.shared.database import Database
from functions.shared.logging import request_id
from functions.shared.queues import Queue
from functions.shared.realtime import Broadcaster, BroadcastError

logger = logging.getLogger(__name__)


class Announcer:
    """Passes on what was saved, best effort: the outbox row stays where that fails.

    Where SQL cannot send the event, that costs a round trip after the answer's commit,
    to delete the event's row. Announcing first would save it, and show the devices an
    answer that they cannot read yet, or that a failing commit takes back.

    Args:
        database: Where the outbox is.
        broadcaster: Announces an answer where SQL cannot; ``None`` where there is no
            realtime.
        extractions: Takes what is to be read for memories to extract_memory; ``None``
            where the outbox alone does.
    """

    def __init__(
        self,
        database: Database,
        broadcaster: Broadcaster | None,
        extractions: Queue | None,
    ) -> None:
        self._database = database
        self._broadcaster = broadcaster
        self._extractions = extractions

    def statement(self, taken: Taken) -> str:
        """Choose the statement that saves an answer, by how it is announced."""
        if taken.has_realtime:
            return statements.SAVE_AND_SEND
        return (
            statements.SAVE_AND_ENQUEUE if self._broadcaster else statements.SAVE_ONLY
        )

    def announce(self, taken: Taken, saved: Saved) -> None:
        """Broadcast an answer; send its conversation on if it is to be read now."""
        self._broadcast(taken, saved)
        self._enqueue(taken, saved)

    def _broadcast(self, taken: Taken, saved: Saved) -> None:
        """Broadcast the answer."""
        notice_id = saved.notice_id
        if not (notice_id and self._broadcaster):
            return
        event = {
            "topic": f"user-realtime:{taken.user_id}",
            "event": "message",
            "payload": {"chat_id": taken.chat_id, "message_id": saved.answer_id},
        }
        try:
            self._broadcaster.send([event])
        except BroadcastError as error:
            fields = {"reason": error.reason, "outbox_id": notice_id}
            logger.warning("the relay will announce it", extra={"fields": fields})
            return
        self._database.run(
            lambda connection: queries.discard(connection, notice_id), repeatable=True
        )

    def _enqueue(self, taken: Taken, saved: Saved) -> None:
        """Send a conversation that is to be read on to extract_memory."""
        if saved.extraction_id is None or self._extractions is None:
            return
        work = {
            "outbox_id": saved.extraction_id,
            "chat_id": taken.chat_id,
            "user_id": taken.user_id,
            "message_id": saved.answer_id,
            "request_id": request_id.get(),
        }
        self._extractions.send(work)
