"""docs/openapi.json as a source of requests, for the tests that send them."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from deploy.openapi import DOCUMENT


@dataclass
class Caller:
    """Who sends the requests, and which conversations they know.

    Attributes:
        bearer: Gives the bearer token for a path.
        chats: Named in half of the requests that name a conversation.
    """

    bearer: Callable[[str], str] = lambda _: ""
    chats: Sequence[UUID] = ()
    _turns: itertools.count = field(default_factory=itertools.count)

    def known(self, sent: Any) -> Any:
        is_named = isinstance(sent, dict) and isinstance(sent.get("chat_id"), str)
        turn = next(self._turns)
        if is_named and len(sent["chat_id"]) == 36 and turn % 2 and self.chats:
            return sent | {"chat_id": str(self.chats[turn // 2 % len(self.chats)])}
        return sent


REFUSALS = (400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428, 429)
"""Schemathesis' own list, and 413: of a body that is wrong and too large the size is
looked at first."""


def load(caller: Caller) -> Any:
    """Give the document with the caller's tokens and conversations."""
    config = SchemathesisConfig.from_dict(
        {
            "checks": {
                "negative_data_rejection": {"expected-statuses": [*REFUSALS, "5xx"]}
            }
        }
    )
    document = schemathesis.openapi.from_path(str(DOCUMENT), config=config)

    @document.hook
    def map_body(context: Any, body: Any) -> Any:
        return caller.known(body)

    @document.hook
    def map_query(context: Any, query: Any) -> Any:
        return caller.known(query)

    @document.auth(refresh_interval=None, cache_by_key=lambda case, _: case.path)
    class Bearer:
        def get(self, case: Any, context: Any) -> str:
            return caller.bearer(case.path)

        def set(self, case: Any, data: str, context: Any) -> None:
            case.headers["authorization"] = f"Bearer {data}"

    return document


def bounded(examples: int, *, covers: bool) -> settings:
    """Give the settings of a test: the same requests each time, nothing stored.

    Args:
        examples: Requests that are generated for each operation.
        covers: Whether to send each kind of value and each method as well, some 200.
    """
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[*([Phase.explicit] if covers else []), Phase.generate],
    )
