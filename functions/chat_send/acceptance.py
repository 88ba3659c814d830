"""What a request becomes: offers to the database before it, an answer after it.

Nothing here waits, except for a set of public keys: the Lambda handler and the ASGI
server share it, and each has its own way to the database.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from functions.chat_send import transcripts
from functions.chat_send.messages import (
    ASSISTANT,
    USER,
    NewMessage,
    VoiceBatch,
    decode,
)
from functions.chat_send.queries import Found, Offer
from functions.shared import auth
from functions.shared.auth import Caller, Credentials
from functions.shared.extraction_policy import Policy
from functions.shared.http import HttpError, Request, Response, json_response
from functions.shared.limits import Limit, Verdict


class Submission(msgspec.Struct, kw_only=True):
    """A request on its way to the database.

    Attributes:
        chat_id: Its conversation.
        caller: Who sends it.
        is_batch: Whether it is a voice batch.
        offers: Its messages.
        cost: Hits that it costs if all of it is new.
        subject: Whose hits another store counted; ``None`` where Postgres counts.
        verdict: What that store said.
    """

    chat_id: UUID
    caller: Caller
    is_batch: bool
    offers: list[Offer]
    cost: int
    subject: str | None = None
    verdict: Verdict | None = None


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A queue message: an outbox row's payload and its id."""

    outbox_id: int
    message_id: UUID
    chat_id: UUID
    user_id: UUID
    request_id: str


class Acceptance:
    """Turns requests into offers, and what became of them into answers.

    Args:
        credentials: What callers are checked against.
        limit: Of a user's messages.
        policy: When what was said is read for memories.
    """

    def __init__(self, credentials: Credentials, limit: Limit, policy: Policy) -> None:
        self.limit = limit
        self._credentials = credentials
        self._policy = policy

    @property
    def may_block(self) -> bool:
        """Whether `receive` may wait for a set of public keys."""
        return self._credentials.keys is not None

    def receive(self, request: Request) -> Submission:
        """Authenticate and decode a request.

        Raises:
            HttpError: 400, 401, 403, 413 or 503.
        """
        caller = auth.authenticate(request.headers, self._credentials)
        body = decode(request.body)
        if isinstance(body, NewMessage):
            offers = [self._single(body, caller, request.request_id)]
        else:
            offers = self._batch(body, caller, request.request_id)
        # More than a window admits takes a whole window.
        cost = min(sum(offer.is_hit for offer in offers), self.limit.hits)
        return Submission(
            chat_id=body.chat_id,
            caller=caller,
            is_batch=not isinstance(body, NewMessage),
            offers=offers,
            cost=cost,
        )

    def _single(self, message: NewMessage, caller: Caller, request_id: str) -> Offer:
        """Offer one message; the model is asked to answer a user's."""
        is_user = message.role == USER
        if not is_user and caller.user_id is not None:
            detail = "only the app's own backend may write what the assistant said"
            raise HttpError(403, "Role not allowed", detail)
        return Offer(
            chat_id=message.chat_id,
            user_id=caller.user_id,
            key=message.client_msg_id,
            role=message.role,
            text=message.text,
            mode=message.mode,
            is_hit=is_user,
            hits_max=self.limit.hits,
            asks=is_user,
            asks_together=is_user and message.analyze,
            request_id=request_id,
        )

    def _batch(self, batch: VoiceBatch, caller: Caller, request_id: str) -> list[Offer]:
        """Offer a transcript; it costs what the user said, and at least one hit."""
        offers = [
            Offer(
                chat_id=batch.chat_id,
                user_id=caller.user_id,
                key=each.client_msg_id,
                role=each.role,
                text=each.text,
                mode=batch.mode,
                is_hit=each.role == USER,
                hits_max=self.limit.hits,
                request_id=request_id,
            )
            for each in batch.messages
        ]
        if all(each.role == ASSISTANT for each in batch.messages):
            offers[0].is_hit = True
        offers[-1].reading = transcripts.waiting(batch, self._policy)
        return offers

    def answer(self, submission: Submission, found: Sequence[Found]) -> Response:
        """Say what became of a request.

        Raises:
            HttpError: 404, 409 or 429.
        """
        first = found[0]
        if first.user_id is None:
            # One answer for both, so that nobody can ask which conversations exist.
            detail = "there is no such conversation, or it is another user's"
            raise HttpError(404, "Conversation not found", detail)
        headers = self._headers(submission, first)
        if not first.is_admitted:
            raise self._too_many(headers)
        if any(each.id is None for each in found):
            detail = "a client_msg_id belongs to a message of another conversation"
            raise HttpError(409, "Conflict", detail)
        told = [{"message_id": each.id, "duplicate": not each.is_new} for each in found]
        status = 201 if any(each.is_new for each in found) else 200
        content = {"messages": told} if submission.is_batch else told[0]
        return json_response(status, content, headers)

    def _headers(self, submission: Submission, found: Found) -> dict[str, str]:
        """Give the headers of draft-ietf-httpapi-ratelimit-headers-07, one each."""
        remaining, reset_s = self.limit.hits - found.hits, found.reset_s
        if submission.verdict:
            remaining = submission.verdict.remaining
            reset_s = submission.verdict.reset_s
        return {
            "ratelimit-limit": str(self.limit.hits),
            "ratelimit-remaining": str(max(remaining, 0)),
            "ratelimit-reset": str(max(reset_s, 0)),
        }

    def _too_many(self, headers: dict[str, str]) -> HttpError:
        """Build the 429; a batch may be refused although some hits remain."""
        wait_s = str(max(int(headers["ratelimit-reset"]), 1))
        limit = self.limit
        detail = f"{limit.hits} messages in {limit.window_s} s are the limit"
        return HttpError(
            429, "Too many messages", detail, headers | {"retry-after": wait_s}
        )


def works(submission: Submission, found: Sequence[Found]) -> list[tuple[str, Work]]:
    """Give what the queues are sent now, each with its topic."""
    listed = []
    for offer, each in zip(submission.offers, found, strict=True):
        for topic, outbox_id in (
            ("llm", each.outbox_id),
            ("extraction", each.extraction_id),
        ):
            if outbox_id is None or each.id is None or each.user_id is None:
                continue
            work = Work(
                outbox_id=outbox_id,
                message_id=each.id,
                chat_id=offer.chat_id,
                user_id=each.user_id,
                request_id=offer.request_id,
            )
            listed.append((topic, work))
    return listed
