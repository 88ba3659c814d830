"""chat_send as its callers see it, for several test modules."""

import json
import threading
from typing import Any
from uuid import UUID, uuid4

import jwt
import psycopg

from functions.chat_send.handler import application
from functions.chat_send.settings import Settings
from functions.shared.database import SingleConnection
from functions.shared.http import Request, Response

SECRET = "a-secret-of-the-tests-that-is-long-enough"
KEY = "internal-key-of-the-tests"


def token(user: UUID) -> str:
    claims = {"sub": str(user), "aud": "authenticated", "exp": 4_000_000_000}
    return jwt.encode(claims, SECRET, algorithm="HS256")


class Client:
    """Sends requests to the service; each thread has an environment of its own."""

    def __init__(self, url: str, user: UUID, **variables: str) -> None:
        self._settings = Settings.from_environ(
            {
                "DATABASE_URL": url,
                "JWT_SECRET": SECRET,
                "INTERNAL_API_KEY": KEY,
                "CHAT_LIMIT_HITS": "60",
                "CHAT_LIMIT_WINDOW_S": "3600",
                "LIMIT_STORE": "postgres",
                "EXTRACTION_POLICY": "every-turn",
            }
            | variables
        )
        self._user = user
        self._local = threading.local()
        self._databases: list[SingleConnection] = []

    def send(
        self, chat: UUID, *, bearer: str | None = None, **fields: object
    ) -> Response:
        """Send one message."""
        body = {"chat_id": str(chat), "text": "Hello.", "client_msg_id": str(uuid4())}
        return self.post(body | fields, bearer)

    def say(
        self, chat: UUID, *messages: dict[str, str], bearer: str | None = None
    ) -> Response:
        """Send a voice batch."""
        return self.post({"chat_id": str(chat), "messages": list(messages)}, bearer)

    def post(self, body: dict[str, Any], bearer: str | None = None) -> Response:
        if not hasattr(self._local, "application"):
            database = SingleConnection(self._settings.database_url, "chat_send")
            self._databases.append(database)
            self._local.application = application(self._settings, database)
        request = Request(
            method="POST",
            path="/functions/v1/chat-send",
            headers={"authorization": f"Bearer {bearer or token(self._user)}"},
            body=json.dumps(body).encode(),
            request_id="request-of-the-test",
        )
        return self._local.application(request)

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection of this thread's environment."""
        return self._databases[-1]._live()

    def close(self) -> None:
        for database in self._databases:
            database.close()


def content(response: Response) -> Any:
    return json.loads(response.body)


def hits(app: Any) -> int | None:
    rows = app.rows("select hits from kiloscale.rate_limits")
    return rows[0][0] if rows else None


def spoken(role: str, text: str, key: str | None = None) -> dict[str, str]:
    """One message of a voice batch."""
    return {"role": role, "text": text, "client_msg_id": key or str(uuid4())}


def turns(count: int) -> list[dict[str, str]]:
    """So many questions, each with its answer."""
    return [
        spoken(role, f"{role} {number}")
        for number in range(count)
        for role in ("user", "assistant")
    ]
