"""The plan's way to accept a message behind the same HTTP server: four transactions.

``uvicorn --factory benchmarks.services.plan_server:create``. Authentication, decoding
and the form of the answer are the service's own; the work is what the plan's function
asks of PostgREST: the conversation's mode, the model's configuration, the insert and
the count, each a transaction with role and claims set first. No limit, no retry that is
recognised, nothing enqueued: less than the service does.
"""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from functions.chat_send import messages
from functions.chat_send.messages import NewMessage
from functions.chat_send.settings import Settings
from functions.routes import CHAT_SEND
from functions.shared import auth
from functions.shared.http import HttpError, Response, json_response, problem
from functions.shared.logging import configure

POOL_VARIABLE = "KILOSCALE_BENCH_POOL"

MODE = "select mode from public.conversations where id = %s"
CONFIG = "select value from public.system_config where key = 'llm_provider'"
INSERT = """
insert into public.messages (id, chat_id, role, text, created_at, client_msg_id, status,
    mode, user_id, meta)
values (%s, %s, 'user', %s, clock_timestamp(), %s, 'complete', 'chat', %s, '{}')
returning *
"""
COUNT = "select count(*) from public.messages where chat_id = %s"
PREAMBLE = (
    "select set_config('role', 'postgres', true),"
    " set_config('request.jwt.claims', '{}', true)"
)

logger = logging.getLogger("functions.plan")


class PlanEndpoint:
    """Accepts messages as the plan's function does."""

    def __init__(
        self, pool: AsyncConnectionPool, credentials: auth.Credentials
    ) -> None:
        self._pool = pool
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        http = HttpRequest(scope, receive)
        request_id = str(uuid4())
        try:
            answer = await self._accept(dict(http.headers), await http.body())
        except HttpError as error:
            answer = problem(error, request_id)
        headers = {**answer.headers, "x-request-id": request_id}
        response = HttpResponse(answer.body, answer.status, headers=headers)
        await response(scope, receive, send)

    async def _accept(self, headers: dict[str, str], body: bytes) -> Response:
        """Save one message by four calls."""
        caller = auth.authenticate(headers, self._credentials)
        message = messages.decode(body)
        if not isinstance(message, NewMessage):
            raise HttpError(400, "Not measured", "the load has single messages")
        own_id = uuid4()
        values = (own_id, message.chat_id, message.text, message.client_msg_id)
        async with self._pool.connection() as connection:
            for query, parameters in (
                (MODE, (message.chat_id,)),
                (CONFIG, ()),
                (INSERT, (*values, caller.user_id)),
                (COUNT, (message.chat_id,)),
            ):
                async with connection.transaction():
                    await connection.execute(PREAMBLE)
                    await connection.execute(query, parameters)
        fields = {"message_id": own_id, "user_id": caller.user_id}
        logger.info("message accepted", extra={"fields": fields})
        return json_response(201, {"message_id": own_id, "duplicate": False})


def create() -> Starlette:
    """Make the application from the environment of the services."""
    configure("plan")
    settings = Settings.from_environ(os.environ)
    size = int(os.environ[POOL_VARIABLE])
    pool = AsyncConnectionPool(
        settings.database_url,
        kwargs={"autocommit": True},
        min_size=size,
        max_size=size,
        timeout=60,
        open=False,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with pool:
            yield

    endpoint = PlanEndpoint(pool, settings.credentials)
    return Starlette(routes=[Route(CHAT_SEND.path, endpoint)], lifespan=lifespan)
