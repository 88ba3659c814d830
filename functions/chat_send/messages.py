"""The bodies of chat_send: one message, or the transcript of a voice session."""

from typing import Annotated
from uuid import UUID

import msgspec

from functions.shared.http import MAX_BODY_BYTES, HttpError

TEXT_MAX = 8_000
"""Longest message, in characters."""

BATCH_MAX = 50
"""Most messages of a voice batch."""

ASSISTANT = "assistant"
USER = "user"

# A pattern and not an enum: its error names what is allowed, not what was sent.
Role = Annotated[
    str,
    msgspec.Meta(
        pattern="^(user|assistant)$", extra_json_schema={"enum": [USER, ASSISTANT]}
    ),
]
# What `_check_text` refuses as well, for the description of the interface.
_SAYS_SOMETHING = {"pattern": r"^[^\u0000]*[^\u0000\s][^\u0000]*$"}
Text = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=TEXT_MAX, extra_json_schema=_SAYS_SOMETHING),
]
Mode = Annotated[
    str, msgspec.Meta(min_length=1, max_length=64, extra_json_schema=_SAYS_SOMETHING)
]


class NewMessage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a request with one message.

    Attributes:
        chat_id: The conversation.
        text: 1 to 8,000 characters, not all of them blank.
        client_msg_id: The client's own id of the message; a retry repeats it.
        role: Who said it; only the app's own backend may say ``assistant``.
        mode: Mode of this message; absent takes the conversation's.
        analyze: In a conversation of the mode ``together``, in which people talk to
            each other, the model answers only if asked to.
    """

    chat_id: UUID
    text: Text
    client_msg_id: UUID
    role: Role = USER
    mode: Mode | None = None
    analyze: bool = False


class Utterance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of a voice batch; fields as in `NewMessage`."""

    role: Role
    text: Text
    client_msg_id: UUID


class VoiceBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a request with what was said in a voice session, in order.

    The session has answered already, so that the model is not asked again.

    Attributes:
        chat_id: The conversation.
        messages: 1 to 50 messages, with different ids.
        mode: As in `NewMessage`.
    """

    chat_id: UUID
    messages: Annotated[
        list[Utterance], msgspec.Meta(min_length=1, max_length=BATCH_MAX)
    ]
    mode: Mode | None = None


Body = NewMessage | VoiceBatch


class _Kind(msgspec.Struct):
    """Tells the one body from the other."""

    messages: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_kind = msgspec.json.Decoder(_Kind)
_message = msgspec.json.Decoder(NewMessage)
_batch = msgspec.json.Decoder(VoiceBatch)


def decode(body: bytes) -> Body:
    """Decode and validate a body.

    Raises:
        HttpError: 413 or 400; the detail names the field, never its value.
    """
    if len(body) > MAX_BODY_BYTES:
        detail = f"the body has {len(body)} bytes; at most {MAX_BODY_BYTES} are taken"
        raise HttpError(413, "Body too large", detail)
    try:
        if _kind.decode(body).messages is msgspec.UNSET:
            return _checked_message(_message.decode(body))
        return _checked_batch(_batch.decode(body))
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from error
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or too deep
        raise HttpError(400, "Malformed JSON", str(error)) from error


def _checked_message(message: NewMessage) -> NewMessage:
    """Check what the types do not say."""
    _check_text(message.text, "text")
    if message.mode is not None:
        _check_text(message.mode, "mode")
    return message


def _checked_batch(batch: VoiceBatch) -> VoiceBatch:
    """Check what the types do not say."""
    ids = set()
    for number, each in enumerate(batch.messages):
        _check_text(each.text, f"messages[{number}].text")
        if each.client_msg_id in ids:
            raise _invalid(f"repeated - at `$.messages[{number}].client_msg_id`")
        ids.add(each.client_msg_id)
    if batch.mode is not None:
        _check_text(batch.mode, "mode")
    return batch


def _check_text(value: str, field: str) -> None:
    """Refuse what says nothing, and what PostgreSQL's text cannot hold."""
    if not value or value.isspace():
        raise _invalid(f"blank - at `$.{field}`")
    if "\0" in value:
        raise _invalid(f"NUL character - at `$.{field}`")


def _invalid(detail: str) -> HttpError:
    """Build the 400 of a field."""
    return HttpError(400, "Invalid field", detail)
