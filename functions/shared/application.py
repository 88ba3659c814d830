"""What every HTTP service does around its work: method, CORS, errors, request id."""

import logging
from collections.abc import Callable

import psycopg

from functions.routes import Route
from functions.shared.http import HttpError, Request, Response, problem
from functions.shared.logging import request_id

logger = logging.getLogger(__name__)

PREFLIGHT_MAX_AGE_S = 7_200
"""How long a browser keeps a preflight answer; 2 h is the most that Chromium keeps."""

RETRY_AFTER_S = 5
"""What a client waits when the database is away: a failover takes longer, a restart
of the pooler less."""

_REQUEST_HEADERS = "authorization, content-type, x-client-info, apikey, x-request-id"
_EXPOSED_HEADERS = (
    "retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, x-request-id"
)


class Application:
    """One route with everything around it; call it with a request.

    Args:
        route: Where it is reached.
        respond: The work; may raise `HttpError`.
        allowed_origins: Origins whose pages may read the answers, scheme included.
    """

    def __init__(
        self,
        route: Route,
        respond: Callable[[Request], Response],
        allowed_origins: tuple[str, ...] = (),
    ) -> None:
        self.route = route
        self._respond = respond
        self._allowed_origins = frozenset(allowed_origins)

    def __call__(self, request: Request) -> Response:
        """Answer one request; never raises."""
        return self.answer(request, self._respond)

    def answer(
        self, request: Request, respond: Callable[[Request], Response]
    ) -> Response:
        """Answer one request by other work than the service's own; never raises.

        The ASGI server does the waiting part of a request in its event loop, before
        this.
        """
        token = request_id.set(request.request_id)
        try:
            response = self._answer(request, respond)
        finally:
            request_id.reset(token)
        headers = {
            **response.headers,
            **self._cors(request),
            "x-request-id": request.request_id,
            "cache-control": "no-store",
        }
        return Response(status=response.status, headers=headers, body=response.body)

    def _answer(
        self, request: Request, respond: Callable[[Request], Response]
    ) -> Response:
        """Map every outcome to an answer."""
        try:
            if request.method == "OPTIONS":
                return self._preflight(request)
            self._check(request)
            return respond(request)
        except HttpError as error:
            return problem(error, request.request_id)
        except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction):
            logger.exception("database unavailable")
            away = HttpError(
                503,
                "Database unavailable",
                "the database did not answer; nothing is lost, send it again",
                {"retry-after": str(RETRY_AFTER_S)},
            )
            return problem(away, request.request_id)
        except Exception:  # the boundary: the answer is a 500, the log has the rest
            logger.exception("request failed")
            return problem(
                HttpError(500, "Internal error", "the log has the reason"),
                request.request_id,
            )

    def _check(self, request: Request) -> None:
        """Refuse what is not this route."""
        if request.path != self.route.path:
            raise HttpError(404, "Not found", f"no such path: {request.path[:200]}")
        if request.method != self.route.method:
            allow = f"{self.route.method}, OPTIONS"
            raise HttpError(
                405,
                "Method not allowed",
                f"{self.route.path} takes {allow}",
                {"allow": allow},
            )

    def _preflight(self, request: Request) -> Response:
        """Answer a preflight; without an allowed origin the browser stops there."""
        if not self._allows(request):
            return Response(status=204)
        return Response(
            status=204,
            headers={
                "access-control-allow-methods": f"{self.route.method}, OPTIONS",
                "access-control-allow-headers": _REQUEST_HEADERS,
                "access-control-max-age": str(PREFLIGHT_MAX_AGE_S),
            },
        )

    def _cors(self, request: Request) -> dict[str, str]:
        """Give the CORS headers: an origin that is listed is named, never ``*``."""
        if not self._allowed_origins:
            return {}
        if not self._allows(request):
            return {"vary": "origin"}
        return {
            "vary": "origin",
            "access-control-allow-origin": request.headers["origin"],
            "access-control-expose-headers": _EXPOSED_HEADERS,
        }

    def _allows(self, request: Request) -> bool:
        """Tell whether the page that asks may read the answer."""
        return request.headers.get("origin", "") in self._allowed_origins
