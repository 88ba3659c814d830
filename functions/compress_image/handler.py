"""Makes images smaller. Triggers: ``image-compressions`` and a POST of the backend."""

import logging
import os
from functools import cache
from typing import Any

import msgspec

from functions.compress_image import records, requests
from functions.compress_image.images import Compressor
from functions.compress_image.naming import is_made
from functions.compress_image.outcomes import Outcome
from functions.compress_image.requests import ImageAnswer
from functions.compress_image.settings import Settings
from functions.routes import COMPRESS_IMAGE
from functions.shared import auth, function_url
from functions.shared.application import Application
from functions.shared.database import Database, SingleConnection
from functions.shared.http import HttpError, Request, Response, json_response
from functions.shared.logging import configure, request_id

logger = logging.getLogger(__name__)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What a queue message says; the rest of it stands on the outbox row."""

    outbox_id: int
    request_id: str | None = None


def compressor(settings: Settings, database: Database) -> Compressor:
    """Assemble the service.

    Args:
        settings: Its environment.
        database: Where the outbox is.
    """
    storage = None
    if settings.supabase_url:
        from functions.shared.storage.rest import RestStorage

        storage = RestStorage(settings.supabase_url, settings.supabase_service_key)
    return Compressor(database, storage, settings.buckets)


def application(settings: Settings, database: Database) -> Application:
    """Assemble what takes requests: it asks for images and waits for none.

    Args:
        settings: Its environment.
        database: Where the outbox is.
    """

    def respond(request: Request) -> Response:
        caller = auth.authenticate(request.headers, settings.credentials)
        if caller.user_id is not None:
            detail = "this is for the internal key or a service-role token"
            raise HttpError(403, "Forbidden", detail)
        asked = requests.decode(request.body)
        # A webhook tells of the smaller forms as well, which are new objects too.
        if asked is None or is_made(asked.path):
            return json_response(200, ImageAnswer(state="ignored"))
        if asked.bucket not in settings.buckets:
            raise HttpError(
                400,
                "Invalid field",
                f"only images of {', '.join(settings.buckets)} are made smaller -"
                " at `$.bucket`",
            )
        found = database.run(
            lambda connection: records.ask(
                connection, asked.bucket, asked.path, asked.user_id, request.request_id
            ),
            repeatable=True,
        )
        answer = msgspec.convert(found, ImageAnswer)
        return json_response(202 if answer.state == "queued" else 200, answer)

    return Application(COMPRESS_IMAGE, respond)


@cache
def _service() -> tuple[Compressor, Application]:
    """Assemble the service of this Lambda environment, at its first invocation."""
    configure("compress_image")
    settings = Settings.from_environ(os.environ)
    database = SingleConnection(settings.database_url, "compress_image")
    return compressor(settings, database), application(settings, database)


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request of the function URL, or work off a batch of the queue.

    Args:
        event: Payload format 2.0, or an SQS event whose records' ``body`` is
            ``{"outbox_id": int, ...}``.
        context: Lambda context; not used.

    Returns:
        The HTTP answer; for the queue the partial batch response,
        ``{"batchItemFailures": [{"itemIdentifier": str}]}``.
    """
    service, http = _service()
    if "requestContext" in event:
        return function_url.answer(http, event)
    failed = [
        record["messageId"]
        for record in event["Records"]
        if not _is_done(service, record)
    ]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def _is_done(service: Compressor, record: dict[str, Any]) -> bool:
    """Make one image smaller; tell whether SQS may forget the message."""
    token = request_id.set("-")
    fields: dict[str, object] = {"sqs_message_id": record["messageId"]}
    try:
        work = msgspec.json.decode(record["body"], type=Work)
        request_id.set(work.request_id or "-")
        fields["outbox_id"] = work.outbox_id
        outcome = service.work(work.outbox_id)
    except Exception:  # one bad message must not fail its batch
        logger.exception("image not compressed", extra={"fields": fields})
        return False
    else:
        logger.info(outcome.value, extra={"fields": fields})
        return outcome is not Outcome.BUSY
    finally:
        request_id.reset(token)
