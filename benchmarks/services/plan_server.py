"""The plan's way to accept a message behind the same HTTP server: four transactions.

``uvicorn --factory benchmarks.services.plan_server:create``. Everything up to the
database is ``functions/asgi.py`` itself: parsing, authentication, decoding, the answer
and its log line. The work is what the plan's function asks of PostgREST: the
conversation's mode, the model's configuration, the insert and the count, each a
transaction with role and claims set first. Nothing is limited, recognised as a retry or
enqueued: less than the service does.
"""

import os
from collections.abc import Sequence
from uuid import uuid4

import psycopg
from psycopg_pool import AsyncConnectionPool
from starlette.types import ASGIApp

from functions import asgi
from functions.chat_send.queries import Found, Offer

POOL_VARIABLE = "KILOSCALE_BENCH_POOL"
WAIT_S = 60.0

MODE = "select mode, user_id from public.conversations where id = %s"
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


class PlanAcceptor:
    """An `Acceptor` that makes the plan's calls, one message at a time.

    Args:
        url: libpq connection URI.
        connections: Size of the pool.
    """

    def __init__(self, url: str, connections: int) -> None:
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[tuple[object, ...]]] = (
            AsyncConnectionPool(
                url,
                kwargs={"autocommit": True},
                min_size=connections,
                max_size=connections,
                timeout=WAIT_S,
                open=False,
            )
        )

    async def open(self) -> None:
        """Connect."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

    async def accept(self, offers: Sequence[Offer]) -> list[Found]:
        """Save messages; the answer says that the limit has room."""
        return [await self._accept(offer) for offer in offers]

    async def _accept(self, offer: Offer) -> Found:
        """Save one message by four calls."""
        own_id = uuid4()
        values = (own_id, offer.chat_id, offer.text, offer.key, offer.user_id)
        async with self._pool.connection() as connection:
            for query, parameters in (
                (MODE, (offer.chat_id,)),
                (CONFIG, ()),
                (INSERT, values),
                (COUNT, (offer.chat_id,)),
            ):
                async with connection.transaction():
                    await connection.execute(PREAMBLE)
                    await connection.execute(query, parameters)
        return Found(
            id=own_id,
            is_new=True,
            user_id=offer.user_id,
            is_admitted=True,
            hits=1,
            reset_s=1,
            outbox_id=None,
            extraction_id=None,
        )


def create() -> ASGIApp:
    """Make the application from the environment of the services."""
    size = int(os.environ[POOL_VARIABLE])
    acceptor = PlanAcceptor(os.environ["DATABASE_URL"], size)
    return asgi.create(acceptor=acceptor, drains=False)
