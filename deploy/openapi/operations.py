"""What each route takes and answers, as far as the types alone do not say it."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from functions.chat_send.messages import NewMessage, VoiceBatch
from functions.compress_image.requests import (
    ImageAnswer,
    ImageRequest,
    StorageWebhook,
)
from functions.health_check.health import Report
from functions.read_history.history import Page
from functions.read_history.questions import Question
from functions.routes import (
    CHAT_SEND,
    COMPRESS_IMAGE,
    HEALTH_CHECK,
    READ_HISTORY,
    Route,
)

JSON = "application/json"
HTML = "text/html"


class AcceptedMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a message.

    Attributes:
        message_id: Its id.
        duplicate: Whether it was there before: a retry changes nothing.
    """

    message_id: UUID
    duplicate: bool


class AcceptedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the messages of a voice batch, in its order."""

    messages: list[AcceptedMessage]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An answer that an operation may give.

    Attributes:
        status: HTTP status code.
        when: When it is given.
        content: What its body may be; empty for problem details.
        headers: Headers that it always has, besides those of all answers.
        may_have: Headers that it has in some cases.
        media: Media types of ``content``.
    """

    status: int
    when: str
    content: tuple[type[msgspec.Struct], ...] = ()
    headers: tuple[str, ...] = ()
    may_have: tuple[str, ...] = ()
    media: tuple[str, ...] = (JSON,)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a client has to know of a route.

    Attributes:
        route: Where it is.
        summary: What it does, in a few words.
        description: What else there is to know.
        body: What the request's body may be.
        query: Type of the request's query.
        outcomes: Its answers, besides those that every route gives.
        has_pages: Whether pages of other origins may call it.
    """

    route: Route
    summary: str
    description: str
    body: tuple[type[msgspec.Struct], ...] = ()
    query: type[msgspec.Struct] | None = None
    outcomes: tuple[Outcome, ...]
    has_pages: bool = True


LIMIT = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
WAIT = ("retry-after",)

NOT_FOUND = "There is no such conversation, or it is another user's."
UNAUTHORIZED = Outcome(
    status=401,
    when="The token or the key is missing, wrong or expired.",
    headers=("www-authenticate",),
)
UNAVAILABLE = "Database or keys did not answer; nothing is lost, send it again."
FAILED = Outcome(status=500, when="A fault of the service; its log has the reason.")

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        route=CHAT_SEND,
        summary="Save messages of a conversation, once",
        description=(
            "Saves one message, or what was said in a voice session, and has the model"
            " answer. A retry with the same `client_msg_id` changes nothing and is not"
            " counted. The answer of the model comes as a realtime event of the topic"
            " `user-realtime:<user id>`."
        ),
        body=(NewMessage, VoiceBatch),
        outcomes=(
            Outcome(
                status=200,
                when="All of it was saved before.",
                content=(AcceptedMessage, AcceptedBatch),
                headers=LIMIT,
            ),
            Outcome(
                status=201,
                when="It is saved.",
                content=(AcceptedMessage, AcceptedBatch),
                headers=LIMIT,
            ),
            Outcome(status=400, when="The body is not as described."),
            UNAUTHORIZED,
            Outcome(status=403, when="Only the app's backend may send this role."),
            Outcome(status=404, when=NOT_FOUND),
            Outcome(
                status=409,
                when="The `client_msg_id` belongs to another conversation.",
            ),
            Outcome(status=413, when="The body is larger than 128 KiB."),
            Outcome(
                status=429,
                when="The user's messages of this hour are used up.",
                headers=(*LIMIT, *WAIT),
            ),
            FAILED,
            Outcome(status=503, when=UNAVAILABLE, headers=WAIT),
        ),
    ),
    Operation(
        route=READ_HISTORY,
        summary="Read a conversation, page by page",
        description=(
            "Gives the messages above the archival watermark, newest first. New ones do"
            " not move the pages behind a cursor."
        ),
        query=Question,
        outcomes=(
            Outcome(status=200, when="A page.", content=(Page,), may_have=LIMIT),
            Outcome(status=400, when="A parameter is missing, wrong or unknown."),
            UNAUTHORIZED,
            Outcome(status=404, when=NOT_FOUND, may_have=LIMIT),
            Outcome(
                status=429,
                when="The user's requests of this hour are used up.",
                headers=(*LIMIT, *WAIT),
            ),
            FAILED,
            Outcome(status=503, when=UNAVAILABLE, headers=WAIT),
        ),
    ),
    Operation(
        route=HEALTH_CHECK,
        summary="Measure the plan's limits and say what is close",
        description=(
            "For the internal key or a service-role token. With `accept: text/html` the"
            " report is a page."
        ),
        outcomes=(
            Outcome(
                status=200, when="The report.", content=(Report,), media=(JSON, HTML)
            ),
            UNAUTHORIZED,
            Outcome(status=403, when="The token is a user's."),
            FAILED,
            Outcome(
                status=503,
                when="The report of a database that does not answer.",
                content=(Report,),
                media=(JSON, HTML),
            ),
        ),
        has_pages=False,
    ),
    Operation(
        route=COMPRESS_IMAGE,
        summary="Have an image made smaller",
        description=(
            "For the internal key or a service-role token: the app's backend, or a"
            " database webhook of Supabase on new rows of `storage.objects`. It asks"
            " and does not wait; the same request tells later what became of it. The"
            " original stays."
        ),
        body=(ImageRequest, StorageWebhook),
        outcomes=(
            Outcome(
                status=200,
                when="It is known what became of the image, or nothing was asked.",
                content=(ImageAnswer,),
            ),
            Outcome(status=202, when="It is asked for.", content=(ImageAnswer,)),
            Outcome(status=400, when="The body is not as described."),
            UNAUTHORIZED,
            Outcome(status=403, when="The token is a user's."),
            Outcome(status=413, when="The body is larger than 128 KiB."),
            FAILED,
            Outcome(status=503, when=UNAVAILABLE, headers=WAIT),
        ),
        has_pages=False,
    ),
)
