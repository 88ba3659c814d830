"""Reads a conversation page by page. Trigger: ``GET /functions/v1/chat-history``."""

import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from functions.read_history import questions
from functions.read_history.admission import SCOPE, Admission
from functions.read_history.facts import Facts
from functions.read_history.history import History
from functions.read_history.settings import Settings
from functions.routes import READ_HISTORY
from functions.shared import auth, function_url
from functions.shared.application import Application
from functions.shared.caching import CacheMetrics
from functions.shared.database import Database, SingleConnection
from functions.shared.http import Request, Response, json_response
from functions.shared.limits import Limit
from functions.shared.logging import configure

if TYPE_CHECKING:
    from functions.shared.replicas import Replica

logger = logging.getLogger(__name__)


def application(
    settings: Settings, database: Database, replica: Database | None = None
) -> Application:
    """Assemble the service.

    Args:
        settings: Its environment.
        database: Where the messages are, and the limits if Postgres counts them.
        replica: A read replica of it; ``None`` for none.
    """
    facts = Facts(database, settings)
    admission = _admission(settings, database)
    history = History(database, facts, admission, _fresh(settings, replica))
    metrics = CacheMetrics(
        settings.metrics_namespace,
        settings.stack,
        "read_history",
        [facts.conversations, facts.subscriptions, facts.usage],
    )

    def respond(request: Request) -> Response:
        caller = auth.authenticate(request.headers, settings.credentials)
        question, cursor = questions.decode(request.query)
        page, headers = history.read(question, cursor, caller)
        fields = {"chat_id": question.chat_id, "messages": len(page.messages)}
        logger.info("page read", extra={"fields": fields})
        metrics.write()
        return json_response(200, page, headers)

    return Application(READ_HISTORY, respond, settings.allowed_origins)


def _fresh(settings: Settings, replica: Database | None) -> "Replica | None":
    """Have the replica asked only while it is fresh."""
    if replica is None:
        return None
    from functions.shared.replicas import Replica

    return Replica(replica, staleness_s=settings.replica_staleness_s)


def _admission(settings: Settings, database: Database) -> Admission:
    """Have the requests counted: by Postgres in the statement that reads the page."""
    limit = Limit(
        scope=SCOPE,
        hits=settings.limit_hits,
        window_s=settings.limit_window_s,
        outage="memory",
    )
    if settings.limit_store == "postgres":
        return Admission(limit, None)
    from functions.shared.limits.stores import limiter

    store = limiter(
        settings.limit_store, redis_url=settings.redis_url, database=database
    )
    return Admission(limit, store)


@cache
def _service() -> Application:
    """Assemble the service of this Lambda environment, at its first invocation."""
    configure("read_history")
    settings = Settings.from_environ(os.environ)
    database = SingleConnection(settings.database_url, "read_history")
    return application(settings, database, _replica(settings))


def _replica(settings: Settings) -> Database | None:
    """Give the read replica, if there is one; it is connected to at its first use."""
    if not settings.database_replica_url:
        return None
    from functions.shared.replicas import CONNECT_TIMEOUT_S

    return SingleConnection(
        settings.database_replica_url,
        "read_history",
        connect_timeout_s=CONNECT_TIMEOUT_S,
    )


def handle(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer one request of the function URL.

    Args:
        event: Payload format 2.0.
        context: Lambda context; not used.
    """
    return function_url.answer(_service(), event)
