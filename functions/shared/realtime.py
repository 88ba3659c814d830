"""Broadcast realtime events by Supabase's HTTP API, where SQL cannot send them."""

import logging
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import msgspec

logger = logging.getLogger(__name__)

TIMEOUT_S = 3.0
PATH = "/realtime/v1/api/broadcast"


class BroadcastError(Exception):
    """The API did not take the events.

    Attributes:
        reason: Status or type of the failure.
        is_permanent: Whether the same events would be refused again.
    """

    def __init__(self, reason: str, *, is_permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_permanent = is_permanent


class Broadcaster:
    """Sends events.

    Args:
        supabase_url: Base of Supabase's APIs.
        service_key: Key with which the events are sent.
    """

    def __init__(self, supabase_url: str, service_key: str) -> None:
        self._url = urlsplit(supabase_url)
        self._key = service_key

    def send(self, events: Sequence[dict[str, Any]]) -> None:
        """Send events in one request.

        Args:
            events: ``{"topic", "event", "payload"}`` each. They go to the private
                channel of the topic: a public one is open to whoever has the app's
                public key and guesses a user's id.

        Raises:
            BroadcastError: The API did not take them.
        """
        body = msgspec.json.encode(
            {"messages": [{**event, "private": True} for event in events]}
        )
        status = self._post(body)
        if status not in {200, 202}:
            is_permanent = 400 <= status < 500 and status not in {401, 403, 408, 429}
            raise BroadcastError(f"realtime: {status}", is_permanent=is_permanent)

    def _post(self, body: bytes) -> int:
        """Send one request; give the status."""
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = kind(self._url.netloc, timeout=TIMEOUT_S)
        headers = {
            "content-type": "application/json",
            "apikey": self._key,
            "authorization": f"Bearer {self._key}",
        }
        try:
            path = self._url.path.rstrip("/") + PATH
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        except (OSError, HTTPException) as error:
            reason = f"realtime: {type(error).__name__}"
            raise BroadcastError(reason, is_permanent=False) from error
        finally:
            connection.close()
