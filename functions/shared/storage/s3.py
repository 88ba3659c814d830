"""The S3 protocol of Supabase Storage, through the botocore of the Lambda runtime."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from functions.shared.storage.errors import (
    ObjectTooLargeError,
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
from functions.shared.storage.s3_shapes import adds, content_md5, described, parts_of

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 20

PART_BYTES = 8 * 1024**2
"""Size of each part but the last; at least 5 MiB (Amazon S3 user guide, "Multipart
upload limits")."""


class S3Storage:
    """A `Storage` by the S3 protocol.

    Args:
        endpoint_url: E.g. ``https://<ref>.supabase.co/storage/v1/s3``.
        region: Region of the project, as its settings name it.
        access_key_id: Of the S3 key pair.
        secret_access_key: Likewise.
        extra_headers: Sent with each request, unsigned.
    """

    def __init__(
        self,
        endpoint_url: str,
        region: str,
        access_key_id: str,
        secret_access_key: str,
        extra_headers: Mapping[str, str] | None = None,
    ) -> None:
        import botocore.session
        from botocore.config import Config

        self._client: Any = botocore.session.get_session().create_client(
            "s3",
            region_name=region,
            endpoint_url=endpoint_url,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=READ_TIMEOUT_S,
                # `repeated` has the pauses and knows what may be repeated.
                retries={"total_max_attempts": 1, "mode": "standard"},
                s3={"addressing_style": "path"},
                # Newer checksums are trailers of a chunked body, which storage-api
                # does not read; Content-MD5 is checked on both sides.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        for name, value in (extra_headers or {}).items():
            self._client.meta.events.register("before-send.s3", adds(name, value))

    def download(self, bucket: str, path: str, *, limit: int) -> Content:
        """Read an object; see `Storage.download`."""
        place = f"{bucket}/{path}"

        def once() -> Content:
            with _told("download", place):
                got = self._client.get_object(Bucket=bucket, Key=path)
                info = described(path, got)
                if info.size > limit:
                    got["Body"].close()
                    raise ObjectTooLargeError(place, info.size, limit)
                data = got["Body"].read()
            if not matches(data, info):
                raise StorageError(
                    "download",
                    place,
                    "the bytes are not those of the object",
                    is_permanent=False,
                )
            return Content(data=data, info=info)

        return repeated(once)

    def upload(
        self, bucket: str, path: str, data: bytes, *, content_type: str, max_age_s: int
    ) -> bool:
        """Write an object; see `Storage.upload`.

        S3 has no upload that fails for a name in use here, so it looks first: names
        that tell their content (a hash) cannot be taken by another meanwhile.
        """
        place = f"{bucket}/{path}"
        there = self._there(bucket, path)
        if there:
            if matches(data, there):
                return False
            raise refused("upload", place, 409, "Duplicate")
        about = {
            "Bucket": bucket,
            "Key": path,
            "ContentType": content_type,
            "CacheControl": f"max-age={max_age_s}",
        }
        if len(data) > PART_BYTES:
            self._in_parts(place, data, about)
        else:
            put = {**about, "Body": data, "ContentMD5": content_md5(data)}
            self._repeated("upload", place, lambda: self._client.put_object(**put))
        if not matches(data, self.info(bucket, path)):
            raise StorageError(
                "upload",
                place,
                "what was stored is not what was sent",
                is_permanent=False,
                next_step="delete the object and send it again",
            )
        return True

    def info(self, bucket: str, path: str) -> ObjectInfo:
        """Describe an object; see `Storage.info`."""
        got = self._repeated(
            "look",
            f"{bucket}/{path}",
            lambda: self._client.head_object(Bucket=bucket, Key=path),
        )
        return described(path, got)

    def page(
        self, bucket: str, prefix: str, cursor: str | None = None, size: int = LIST_MAX
    ) -> Page:
        """List objects; see `Storage.page`."""
        asked = {"Bucket": bucket, "Prefix": prefix, "MaxKeys": size}
        if cursor is not None:
            asked["ContinuationToken"] = cursor
        got = self._repeated(
            "listing", bucket, lambda: self._client.list_objects_v2(**asked)
        )
        return Page(
            objects=[
                ObjectInfo(
                    path=each["Key"], size=each["Size"], etag=each["ETag"].strip('"')
                )
                for each in got.get("Contents", [])
            ],
            cursor=got.get("NextContinuationToken") if got["IsTruncated"] else None,
        )

    def remove(self, bucket: str, path: str) -> bool:
        """Delete an object; see `Storage.remove`."""
        if self._there(bucket, path) is None:
            return False
        self._repeated(
            "deletion",
            f"{bucket}/{path}",
            lambda: self._client.delete_object(Bucket=bucket, Key=path),
        )
        return True

    def _there(self, bucket: str, path: str) -> ObjectInfo | None:
        """Describe an object, if there is one."""
        try:
            return self.info(bucket, path)
        except StorageError as error:
            if error.reason.startswith("404"):
                return None
            raise

    def _in_parts(self, place: str, data: bytes, about: dict[str, Any]) -> None:
        """Upload in parts; without the last request there is no object."""
        begun = self._repeated(
            "upload", place, lambda: self._client.create_multipart_upload(**about)
        )
        same = {key: about[key] for key in ("Bucket", "Key")}
        same["UploadId"] = begun["UploadId"]
        try:
            parts = [
                {"PartNumber": number, "ETag": self._part(place, part, number, same)}
                for number, part in parts_of(data, PART_BYTES)
            ]
            whole = {**same, "MultipartUpload": {"Parts": parts}}
            self._repeated(
                "upload", place, lambda: self._client.complete_multipart_upload(**whole)
            )
        except StorageError:
            # Unfinished parts are billed until somebody deletes them.
            self._repeated(
                "abort", place, lambda: self._client.abort_multipart_upload(**same)
            )
            raise

    def _part(self, place: str, part: bytes, number: int, same: dict[str, Any]) -> str:
        """Upload one part; give its ETag."""
        asked = {
            **same,
            "PartNumber": number,
            "Body": part,
            "ContentMD5": content_md5(part),
        }
        sent = self._repeated(
            "upload", place, lambda: self._client.upload_part(**asked)
        )
        return str(sent["ETag"])

    def _repeated(
        self, action: str, place: str, call: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Call S3 until it answers."""

        def once() -> dict[str, Any]:
            with _told(action, place):
                return call()

        return repeated(once)


@contextmanager
def _told(action: str, place: str) -> Iterator[None]:
    """Turn botocore's errors into ours."""
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(error.response.get("Error", {}).get("Code", ""))
        raise refused(action, place, status, code[:64]) from error
    except (BotoCoreError, HTTPClientError, OSError) as error:
        raise failed(action, place, error) from error
