"""The bodies of compress_image: an object, or the webhook of a bucket's new object."""

from typing import Annotated
from uuid import UUID

import msgspec

from functions.compress_image.naming import is_valid
from functions.compress_image.records import StoredForm
from functions.shared.http import MAX_BODY_BYTES, HttpError

BUCKET_MAX = 100
PATH_MAX = 900

Bucket = Annotated[
    str, msgspec.Meta(min_length=1, max_length=BUCKET_MAX, pattern=r"^[A-Za-z0-9_.-]+$")
]
Path = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=PATH_MAX, pattern=r"^[A-Za-z0-9_/!.*'() &$@=;:+,?-]+$"
    ),
]


class ImageRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """Asks for one object.

    Attributes:
        bucket: Its bucket.
        path: Its name there; no part of it may be empty, ``.`` or ``..``.
        user_id: Whose rows name it; without it all rows are looked through.
    """

    bucket: Bucket
    path: Path
    user_id: UUID | None = None


class StoredObject(msgspec.Struct, frozen=True, kw_only=True):
    """A row of ``storage.objects``, as far as it is read."""

    bucket_id: Bucket
    name: Path


class StorageWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A database webhook of Supabase on ``storage.objects``; more fields may come.

    Attributes:
        type: ``INSERT`` for a new object; any other asks for nothing.
        record: The object; ``None`` where it was deleted.
    """

    type: str
    record: StoredObject | None = None


class ImageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an image.

    Attributes:
        state: ``queued``, or how it ended: ``compressed``, ``kept`` if nothing was
            smaller, ``refused``, ``restored`` if its addresses were put back, or
            ``ignored`` if nothing was asked for.
        reason: Why it was kept or refused, or why a form is missing.
        source_bytes: Size of the original, in bytes.
        forms: The smaller forms, in the bucket of the original.
    """

    state: str
    reason: str | None = None
    source_bytes: int | None = None
    forms: list[StoredForm] = []


class _Kind(msgspec.Struct):
    """Tells the one body from the other."""

    type: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def decode(body: bytes) -> ImageRequest | None:
    """Decode and validate a body.

    Returns:
        ``None`` for a webhook that is not about a new object.

    Raises:
        HttpError: 413 or 400; the detail names the field, never its value.
    """
    if len(body) > MAX_BODY_BYTES:
        detail = f"the body has {len(body)} bytes; at most {MAX_BODY_BYTES} are taken"
        raise HttpError(413, "Body too large", detail)
    try:
        if msgspec.json.decode(body, type=_Kind).type is msgspec.UNSET:
            asked = msgspec.json.decode(body, type=ImageRequest)
        else:
            hook = msgspec.json.decode(body, type=StorageWebhook)
            if hook.type != "INSERT" or hook.record is None:
                return None
            asked = ImageRequest(bucket=hook.record.bucket_id, path=hook.record.name)
    except msgspec.ValidationError as error:
        raise HttpError(400, "Invalid field", str(error)) from error
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or too deep
        raise HttpError(400, "Malformed JSON", str(error)) from error
    if not is_valid(asked.path):
        detail = "a part is empty, '.' or '..' - at `$.path`"
        raise HttpError(400, "Invalid field", detail)
    return asked
