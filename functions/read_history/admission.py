"""The limit of requests: where one is counted, and what the answer says of it."""

from functions.read_history.queries import Hit, Row
from functions.shared.auth import Caller
from functions.shared.http import HttpError
from functions.shared.limits import Limit, LimitStore, LimitStoreError, Verdict

SCOPE = "api"


class Admission:
    """Counts the requests of users; the app's own backend has no limit.

    Args:
        limit: What is admitted.
        store: Counts it; ``None`` if the statement that reads the page does.
    """

    def __init__(self, limit: Limit, store: LimitStore | None) -> None:
        self._limit = limit
        self._store = store

    def count(self, caller: Caller) -> Verdict | None:
        """Count a request in the store; ``None`` if it is not counted there.

        Raises:
            HttpError: 503 if the store is away and nothing counts instead.
        """
        if self._store is None or caller.user_id is None:
            return None
        try:
            return self._store.hit(self._limit, str(caller.user_id))
        except LimitStoreError as error:
            detail = "requests could not be counted; send it again"
            raise HttpError(
                503, "Limit unavailable", detail, {"retry-after": "5"}
            ) from error

    def in_statement(self, caller: Caller) -> Hit | None:
        """Give what the statement has to count; ``None`` if the store counted it."""
        if self._store is not None or caller.user_id is None:
            return None
        return Hit(
            scope=self._limit.scope,
            subject=str(caller.user_id),
            hits_max=self._limit.hits,
            window_s=self._limit.window_s,
        )

    def verdict(self, row: Row) -> Verdict:
        """Give what the statement counted."""
        return Verdict(
            is_admitted=row.is_admitted,
            remaining=max(self._limit.hits - row.hits, 0),
            reset_s=max(row.reset_s, 0),
        )

    def headers(self, verdict: Verdict | None) -> dict[str, str]:
        """Give the headers of draft-ietf-httpapi-ratelimit-headers-07, one each."""
        if verdict is None:
            return {}
        return {
            "ratelimit-limit": str(self._limit.hits),
            "ratelimit-remaining": str(verdict.remaining),
            "ratelimit-reset": str(verdict.reset_s),
        }

    def check(self, verdict: Verdict | None) -> None:
        """Refuse what was not admitted.

        Raises:
            HttpError: 429.
        """
        if verdict is None or verdict.is_admitted:
            return
        headers = self.headers(verdict) | {
            "ratelimit-remaining": "0",
            "retry-after": str(max(verdict.reset_s, 1)),
        }
        detail = (
            f"{self._limit.hits} requests in {self._limit.window_s} s are the limit"
        )
        raise HttpError(429, "Too many requests", detail, headers)
