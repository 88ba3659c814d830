"""Read a page of a conversation, and what is known of it and of its owner."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec

from functions.read_history import queries
from functions.read_history.admission import Admission
from functions.read_history.facts import Facts, Subscription, Usage
from functions.read_history.queries import Asked, Row
from functions.read_history.questions import Cursor, CursorText, Question
from functions.shared.auth import Caller
from functions.shared.caching import APP, Key
from functions.shared.database import Database
from functions.shared.http import HttpError

if TYPE_CHECKING:
    from functions.shared.replicas import Replica


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the conversation; it may be some minutes old."""

    id: UUID
    title: str | None
    mode: str
    profile_id: UUID | None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the page.

    Attributes:
        id: Its id.
        role: ``user``, ``assistant`` or ``system``.
        text: What was said.
        created_at: When, in UTC.
        status: ``pending``, ``streaming``, ``complete`` or ``failed``.
        mode: Mode of the message.
        user_id: Who said it; in the mode ``together`` not always the owner.
        client_msg_id: The sender's own id of the message.
    """

    id: UUID
    role: str
    text: str
    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    status: str | None
    mode: str | None
    user_id: UUID | None
    client_msg_id: UUID | None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the owner; ``None`` where the app keeps no such row.

    It may be some minutes old.
    """

    subscription: Subscription | None
    usage: Usage | None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a conversation.

    Attributes:
        conversation: What is known of it.
        messages: Newest first.
        next: The cursor of the next, older page; ``None`` if this is the last.
        account: What is known of the owner; only there if it was asked for.
    """

    conversation: Conversation
    messages: list[Message]
    next: CursorText | None
    account: Account | msgspec.UnsetType = msgspec.UNSET


class History:
    """Reads conversations.

    Args:
        database: Where the messages are.
        facts: What is remembered.
        admission: Counts the requests.
        replica: Where pages are read that may be somewhat old; ``None`` for none.
    """

    def __init__(
        self,
        database: Database,
        facts: Facts,
        admission: Admission,
        replica: "Replica | None" = None,
    ) -> None:
        self._replica = replica
        self._database = database
        self._facts = facts
        self._admission = admission

    def read(
        self, question: Question, cursor: Cursor | None, caller: Caller
    ) -> tuple[Page, dict[str, str]]:
        """Read a page, within the caller's limit.

        Returns:
            The page, and the headers that tell the state of the limit.

        Raises:
            HttpError: 404, 429 or 503.
        """
        verdict = self._admission.count(caller)
        self._admission.check(verdict)
        rows = self._rows(question, cursor, caller)
        if self._admission.in_statement(caller):
            verdict = self._admission.verdict(rows[0])
            self._admission.check(verdict)
        headers = self._admission.headers(verdict)
        owner = rows[0].owner
        key = Key(caller.user_id or APP, str(question.chat_id))
        metadata = self._facts.conversations.get(key) if owner else None
        if owner is None or metadata is None:
            self._facts.conversations.invalidate(key)
            # One answer for both, so that nobody can ask which conversations exist.
            detail = "there is no such conversation, or it is another user's"
            raise HttpError(404, "Conversation not found", detail, headers)
        messages = [_message(row) for row in rows if row.id is not None]
        shown = messages[: question.limit]
        page = Page(
            conversation=Conversation(
                id=question.chat_id,
                title=metadata.title,
                mode=metadata.mode,
                profile_id=metadata.profile_id,
            ),
            messages=shown,
            next=_cursor(shown[-1]) if len(messages) > len(shown) else None,
            account=self._account(owner) if question.account else msgspec.UNSET,
        )
        return page, headers

    def _rows(
        self, question: Question, cursor: Cursor | None, caller: Caller
    ) -> Sequence[Row]:
        """Read the page and one message more."""
        asked = Asked(
            user_id=caller.user_id,
            chat_id=question.chat_id,
            created_at=cursor.created_at if cursor else None,
            id=cursor.id if cursor else None,
            messages=question.limit + 1,
        )
        hit = self._admission.in_statement(caller)
        if hit is None and (rows := self._from_replica(asked)):
            return rows
        # A repetition after a lost connection counts the request twice at worst: a user
        # loses one of a thousand, and nobody gets one more.
        return self._database.run(
            lambda connection: queries.page(connection, asked, hit), repeatable=True
        )

    def _from_replica(self, asked: Asked) -> Sequence[Row] | None:
        """Read the page from the replica; ``None`` if the primary has to be asked.

        A replica cannot count requests. And what it does not find, a conversation of
        the last seconds for instance, only the primary knows not to be there.
        """
        if self._replica is None:
            return None
        rows = self._replica.read(
            lambda connection: queries.page_of_replica(connection, asked),
            lambda found: found[0].staleness_s,
        )
        return rows if rows and rows[0].owner is not None else None

    def _account(self, owner: UUID) -> Account:
        """Give what is remembered of a user."""
        key = Key(owner)
        return Account(
            subscription=self._facts.subscriptions.get(key),
            usage=self._facts.usage.get(key),
        )


def _message(row: Row) -> Message:
    """Give the message of a row that has one."""
    values = {name: getattr(row, name) for name in Message.__struct_fields__}
    message = msgspec.convert(values, Message)
    created_at = message.created_at.astimezone(UTC)
    return msgspec.structs.replace(message, created_at=created_at)


def _cursor(last: Message) -> str:
    """Give the cursor of the page after a message."""
    return Cursor(last.created_at, last.id).encode()
