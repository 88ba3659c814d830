"""An end for each call: the timeout of both SDKs is one for each read of an answer.

A gateway that sends a blank now and then while the model thinks, or a broken one that
sends a byte a second, would hold a call for as long as it likes.
"""

import time
from collections.abc import Iterator

import httpx2  # what both SDKs send with; it is in the zips because of them


class DeadlineTransport(httpx2.HTTPTransport):
    """Ends an answer that is not complete when its read timeout is over."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; give an answer whose body must arrive in time."""
        read_s = request.extensions.get("timeout", {}).get("read")
        end = None if read_s is None else time.monotonic() + read_s
        response = super().handle_request(request)
        if end is not None and isinstance(response.stream, httpx2.SyncByteStream):
            response.stream = _Bounded(response.stream, end)
        return response


class _Bounded(httpx2.SyncByteStream):
    """A body that must be complete at a moment of monotonic time."""

    def __init__(self, stream: httpx2.SyncByteStream, end: float) -> None:
        self._stream = stream
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            if time.monotonic() > self._end:
                raise httpx2.ReadTimeout("the answer is not complete in time")
            yield chunk

    def close(self) -> None:
        """Close the connection's side of it."""
        self._stream.close()
