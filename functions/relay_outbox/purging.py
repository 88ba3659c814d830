"""Has the CDN forget copies of objects that were overwritten or deleted."""

import logging
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

import msgspec

from functions.relay_outbox.queries import Failure, Row

logger = logging.getLogger(__name__)

TIMEOUT_S = 3.0
BATCH_MAX = 100
"""Of one purge; Workers Free allows 5 of them a minute, and the relay runs each."""

PUBLIC_PATH = "/storage/v1/object/public/"
PLAIN = "/!*'()&$@=;:+,"
"""Characters beside letters that the Worker's spelling of a path leaves as they are."""

PERMANENT = frozenset({400, 404, 405, 413})
"""Answers that the same purge would get again."""


class PurgeCarrier:
    """Tells the Worker's purge path; nobody else consumes the rows.

    Args:
        url: Address of the purge path.
        key: What its callers must know; it can make the CDN forget, and no more.
    """

    deletes = True
    batch_max = BATCH_MAX

    def __init__(self, url: str, key: str) -> None:
        self._url = urlsplit(url)
        self._key = key

    def carry(self, rows: Sequence[Row]) -> dict[int, Failure]:
        """Send a batch; see `Carrier.carry`."""
        paths = list(dict.fromkeys(map(path_of, rows)))
        reason = self._send(paths)
        if not reason:
            return {}
        counts = reason in {f"cdn: {status}" for status in PERMANENT}
        # The Worker refuses a batch whole: find the row that is at fault.
        if counts and len(rows) > 1:
            alone = (self.carry([row]) for row in rows)
            return {number: why for failed in alone for number, why in failed.items()}
        return {
            row.id: Failure(id=row.id, reason=reason, counts=counts) for row in rows
        }

    def _send(self, paths: list[str]) -> str:
        """Send one request; give why it was not taken, or nothing."""
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = kind(self._url.netloc, timeout=TIMEOUT_S)
        headers = {
            "content-type": "application/json",
            "authorization": f"Bearer {self._key}",
        }
        try:
            body = msgspec.json.encode({"paths": paths})
            connection.request("POST", self._url.path, body, headers)
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            return f"cdn: {type(error).__name__}"
        finally:
            connection.close()
        return "" if status == 200 else f"cdn: {status}"


def path_of(row: Row) -> str:
    """Give the path of an object's URL."""
    bucket, name = row.payload.get("bucket", ""), row.payload.get("name", "")
    return PUBLIC_PATH + quote(f"{bucket}/{name}", safe=PLAIN)
