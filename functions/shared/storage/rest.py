"""The REST API of Supabase Storage, with the service key."""

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

import msgspec

from functions.shared.storage.answers import (
    Answer,
    decoded,
    listed,
    read,
    status_of,
)
from functions.shared.storage.errors import (
    StorageError,
    failed,
    refused,
)
from functions.shared.storage.interface import (
    LIST_MAX,
    Content,
    ObjectInfo,
    Page,
    matches,
)
from functions.shared.storage.retrying import repeated

TIMEOUT_S = 20.0
"""Longest wait for a part of an answer, in seconds."""

RESUMABLE_BYTES = 6 * 1024**2
"""From this size on an upload goes in parts that can be resumed (Supabase docs,
"Resumable Uploads": for files larger than 6 MB)."""


class RestStorage:
    """A `Storage` by the REST API.

    Args:
        supabase_url: Base of Supabase's APIs.
        service_key: Key of the role ``service_role``.
        extra_headers: Sent with each request.
    """

    def __init__(
        self,
        supabase_url: str,
        service_key: str,
        extra_headers: Mapping[str, str] | None = None,
    ) -> None:
        self._url = urlsplit(supabase_url)
        self._headers = {
            "apikey": service_key,
            "authorization": f"Bearer {service_key}",
            **(extra_headers or {}),
        }

    def download(self, bucket: str, path: str, *, limit: int) -> Content:
        """Read an object; see `Storage.download`."""
        place = f"{bucket}/{path}"

        def once() -> Content:
            got = self.send("download", place, "GET", f"/object/{quote(place)}", limit)
            info = ObjectInfo(
                path=path,
                size=int(got.headers.get("content-length", len(got.body))),
                content_type=got.headers.get("content-type", ""),
                cache_control=got.headers.get("cache-control", ""),
                etag=got.headers.get("etag", "").strip('"'),
            )
            if not matches(got.body, info):
                raise StorageError(
                    "download",
                    place,
                    "the bytes are not those of the object",
                    is_permanent=False,
                )
            return Content(data=got.body, info=info)

        return repeated(once)

    def upload(
        self, bucket: str, path: str, data: bytes, *, content_type: str, max_age_s: int
    ) -> bool:
        """Write an object; see `Storage.upload`."""
        place = f"{bucket}/{path}"
        headers = {
            "content-type": content_type,
            "cache-control": f"max-age={max_age_s}",
            "x-upsert": "false",
        }

        def once() -> bool:
            try:
                if len(data) >= RESUMABLE_BYTES:
                    from functions.shared.storage.resumable import upload

                    upload(self, bucket, path, data, headers)
                else:
                    to = f"/object/{quote(place)}"
                    self.send("upload", place, "POST", to, body=data, headers=headers)
            except StorageError as error:
                if not error.reason.startswith("409"):
                    raise
                # An earlier try may have arrived although its answer did not.
                if not matches(data, self.info(bucket, path)):
                    raise
                return False
            return True

        is_new = repeated(once)
        stored = self.info(bucket, path) if is_new else None
        if stored and not matches(data, stored):
            raise StorageError(
                "upload",
                place,
                f"{stored.size} bytes with another checksum were stored, not the"
                f" {len(data)} that were sent",
                is_permanent=False,
                next_step="delete the object and send it again",
            )
        return is_new

    def info(self, bucket: str, path: str) -> ObjectInfo:
        """Describe an object; see `Storage.info`."""
        place = f"{bucket}/{path}"
        to = f"/object/info/{quote(place)}"
        got = repeated(lambda: self.send("look", place, "GET", to))
        told = decoded("look", place, got.body)
        return ObjectInfo(
            path=path,
            size=int(told.get("size") or 0),
            content_type=str(told.get("content_type") or ""),
            cache_control=str(told.get("cache_control") or ""),
            etag=str(told.get("etag") or "").strip('"'),
        )

    def page(
        self, bucket: str, prefix: str, cursor: str | None = None, size: int = LIST_MAX
    ) -> Page:
        """List objects; see `Storage.page`."""
        asked = {"prefix": prefix, "limit": size, "with_delimiter": False}
        if cursor is not None:
            asked["cursor"] = cursor
        got = repeated(
            lambda: self.send(
                "listing",
                bucket,
                "POST",
                f"/object/list-v2/{quote(bucket)}",
                body=msgspec.json.encode(asked),
                headers={"content-type": "application/json"},
            )
        )
        told = decoded("listing", bucket, got.body)
        next_cursor = told.get("nextCursor") if told.get("hasNext") else None
        return Page(
            objects=[listed(each) for each in told.get("objects", [])],
            cursor=next_cursor,
        )

    def remove(self, bucket: str, path: str) -> bool:
        """Delete an object; see `Storage.remove`."""
        place = f"{bucket}/{path}"
        to = f"/object/{quote(place)}"
        try:
            repeated(lambda: self.send("deletion", place, "DELETE", to))
        except StorageError as error:
            if not error.reason.startswith("404"):
                raise
            return False
        return True

    def send(
        self,
        action: str,
        place: str,
        method: str,
        path: str,
        limit: int | None = None,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request, once.

        Args:
            action: What it does, for errors.
            place: Which object, for errors.
            method: HTTP method.
            path: Below the storage API, quoted.
            limit: Most bytes of the answer's body; ``None`` for any number.
            body: What is sent.
            headers: Besides the key.

        Raises:
            StorageError: It was refused, or there was no whole answer.
        """
        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        connection = kind(self._url.netloc, timeout=TIMEOUT_S)
        target = f"{self._url.path.rstrip('/')}/storage/v1{path}"
        try:
            given = {**self._headers, **(headers or {})}
            connection.request(method, target, body or None, given)
            response = connection.getresponse()
            answer = read(response, place, limit)
        except (OSError, HTTPException) as error:
            raise failed(action, place, error) from error
        finally:
            connection.close()
        if answer.status >= 300:
            raise refused(action, place, *status_of(answer))
        return answer
