"""All services in one process: ``uvicorn --factory functions.asgi:create``.

For a server of one's own and for load tests. The routes are those of ``routes.py``, the
work is the services' own; what SQS and its consumers do on AWS, worker threads do
here with the same outbox. Chat messages have a way of their own, without a thread and
with statements for many of them at a time; everything else runs in threads.
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import import_module
from uuid import uuid4

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse
from starlette.responses import Response as HttpResponse
from starlette.routing import Route as HttpRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.chat_endpoint import ChatEndpoint, body
from functions.chat_send.service import Service
from functions.chat_send.settings import Settings
from functions.message_batcher import Acceptor, MessageBatcher
from functions.outbox_worker import OutboxWorker
from functions.pooled_database import PooledDatabase
from functions.routes import CHAT_SEND, READ_HISTORY, ROUTES, Route
from functions.shared.application import Application
from functions.shared.http import Request
from functions.shared.logging import configure
from functions.shared.replicas import CONNECT_TIMEOUT_S

HEALTH_PATH = "/healthz"
"""Answers as long as the process does; asks no other part."""


def create(
    variables: Mapping[str, str] | None = None,
    *,
    acceptor: Acceptor | None = None,
    drains: bool = True,
) -> ASGIApp:
    """Make the ASGI application.

    Args:
        variables: The environment of all services together; ``None`` takes the
            process's. ``QUEUE_URL_LLM`` and ``QUEUE_URL_EXTRACTION`` should be empty:
            with a queue its own consumer works, and the worker only relays.
        acceptor: Takes chat messages to the database; a load test passes what it
            compares with.
        drains: Whether to do the work of the outbox here as well.
    """
    variables = os.environ if variables is None else variables
    configure("asgi")
    database = PooledDatabase(variables.get("DATABASE_URL", ""))
    settings = Settings.from_environ(variables)
    if acceptor is None:
        acceptor = MessageBatcher(
            settings.database_url, window_s=settings.limit_window_s
        )
    service = Service(settings, database)
    chat = ChatEndpoint(service, settings.allowed_origins, acceptor)
    replica = _replica(variables)
    routes = [_mount(route, variables, database, replica) for route in ROUTES]
    routes.append(HttpRoute(HEALTH_PATH, _health))
    worker = OutboxWorker(variables, database) if drains else None

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        database.open()
        if replica:
            replica.open()
        await chat.open()
        if worker:
            worker.start()
        yield
        await chat.close()
        if worker:
            await run_in_threadpool(worker.stop)
        database.close()
        if replica:
            replica.close()

    everything_else = Starlette(routes=routes, lifespan=lifespan)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_message = (
            scope["type"] == "http"
            and scope["method"] == CHAT_SEND.method
            and scope["path"] == CHAT_SEND.path
        )
        await (chat if is_message else everything_else)(scope, receive, send)

    return serve


async def _health(_: HttpRequest) -> JSONResponse:
    """Say that the process answers."""
    return JSONResponse({"status": "ok"})


def _replica(variables: Mapping[str, str]) -> PooledDatabase | None:
    """Give the read replica, if there is one."""
    url = variables.get("DATABASE_REPLICA_URL", "")
    return PooledDatabase(url, timeout_s=CONNECT_TIMEOUT_S) if url else None


def _mount(
    route: Route,
    variables: Mapping[str, str],
    database: PooledDatabase,
    replica: PooledDatabase | None,
) -> HttpRoute:
    """Assemble the service of a route."""
    package = f"functions.{route.service}"
    settings = import_module(f"{package}.settings").Settings.from_environ(variables)
    databases = [database]
    if replica and route is READ_HISTORY:
        databases.append(replica)
    application = import_module(f"{package}.handler").application(settings, *databases)
    return HttpRoute(route.path, Endpoint(application))


class Endpoint:
    """A service as an ASGI application; it answers every method itself."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Translate the request and the answer; the work runs in a thread."""
        http = HttpRequest(scope)
        request = Request(
            method=http.method,
            path=http.url.path,
            query=http.url.query,
            headers={name.lower(): value for name, value in http.headers.items()},
            body=await body(receive),
            request_id=str(uuid4()),
        )
        response = await run_in_threadpool(self._application, request)
        answer = HttpResponse(
            response.body, response.status, headers=dict(response.headers)
        )
        await answer(scope, receive, send)
