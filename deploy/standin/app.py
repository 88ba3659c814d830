"""The stand-in as one ASGI application."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from deploy.local.facts import LocalStack
from deploy.standin import (
    auth,
    functions,
    gemini,
    openai,
    realtime,
    storage,
    storage_objects,
    storage_resumable,
    storage_s3,
    webhooks,
)
from deploy.standin.storage_faults import StorageFaults
from deploy.standin.users import Users

Facts = Callable[[], LocalStack]

SERVES = ("auth", "storage", "realtime", "functions", "llm", "webhooks")


def create(facts: Facts, users: Users) -> Starlette:
    """Build the application.

    Args:
        facts: Gives the stack's facts as they are at this moment.
        users: Where the users of the auth API are.
    """
    # Functions answer for their own origins, as on Supabase.
    cors = [
        Middleware(
            CORSMiddleware,
            allow_origins=["*"],
            allow_methods=["*"],
            allow_headers=["*"],
        )
    ]
    app = Starlette(
        routes=[
            Route("/healthz", health),
            Mount("/auth/v1", routes=auth.ROUTES, middleware=cors),
            Mount(
                "/storage/v1",
                routes=[
                    *storage_objects.ROUTES,
                    *storage_resumable.ROUTES,
                    *storage_s3.ROUTES,
                    *storage.ROUTES,
                    storage_objects.READ,
                ],
                middleware=[*cors, Middleware(StorageFaults)],
            ),
            Mount("/realtime/v1", routes=realtime.ROUTES, middleware=cors),
            Mount("/functions/v1", routes=functions.ROUTES),
            Mount("/llm/v1", routes=openai.ROUTES),
            Mount("/llm/gemini", routes=gemini.ROUTES),
            Mount("/webhooks", routes=webhooks.ROUTES),
        ],
        lifespan=functions.client,
    )
    app.state.facts = facts
    app.state.users = users
    app.state.broadcasts = realtime.Broadcasts()
    app.state.notifications = webhooks.Notifications()
    return app


async def health(request: Request) -> JSONResponse:
    """Say that the application runs, and what it serves."""
    return JSONResponse({"status": "ok", "serves": SERVES})
