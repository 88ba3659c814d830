"""What goes wrong with an object, and whether another try may help."""


class StorageError(Exception):
    """Storage refused a request, or did not answer it.

    Attributes:
        action: What was tried, e.g. ``upload``.
        place: ``<bucket>/<path>``, or the bucket.
        reason: Status and code of the refusal, or the type of the failure; never what
            a server wrote about an object.
        is_permanent: Whether the same request would be refused again.
        next_step: What to do about it.
    """

    def __init__(
        self,
        action: str,
        place: str,
        reason: str,
        *,
        is_permanent: bool,
        next_step: str = "",
    ) -> None:
        told = f"storage: {action} of {place}: {reason}"
        super().__init__(f"{told}; {next_step}" if next_step else told)
        self.action = action
        self.place = place
        self.reason = reason
        self.is_permanent = is_permanent
        self.next_step = next_step


class ObjectNotFoundError(StorageError):
    """There is no such object or bucket."""

    def __init__(self, action: str, place: str) -> None:
        super().__init__(
            action,
            place,
            "404 not found",
            is_permanent=True,
            next_step="look whether it was deleted or renamed",
        )


class ObjectTooLargeError(StorageError):
    """An object is larger than the caller takes.

    Attributes:
        size: Its size in bytes, as far as it is known.
    """

    def __init__(self, place: str, size: int, limit: int) -> None:
        super().__init__(
            "download",
            place,
            f"{size} bytes, at most {limit} are taken",
            is_permanent=True,
        )
        self.size = size


NEXT_STEPS = {
    401: "check the key: supabaseServiceKey, or the S3 key pair",
    403: "check the key and the policies of the bucket",
    409: "an object with other content has this name",
    413: "raise the size limit of the bucket or the project",
    415: "allow the content type in the bucket",
    429: "wait; the project is rate limited",
}
"""By HTTP status: what a person does about a refusal."""

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 522, 524, 544})
"""Statuses after which the same request may succeed. 544 is Supabase's "database
timeout" (storage-api, src/internal/errors/codes.ts)."""


def refused(action: str, place: str, status: int, code: str = "") -> StorageError:
    """Build the error of a refusal.

    Args:
        action: What was tried.
        place: Which object.
        status: HTTP status: the real one, which Supabase may write into the body.
        code: Code of the refusal, e.g. ``Duplicate``.
    """
    if status == 404:
        return ObjectNotFoundError(action, place)
    return StorageError(
        action,
        place,
        f"{status} {code}".strip(),
        is_permanent=status not in PASSING,
        next_step=NEXT_STEPS.get(status, ""),
    )


def failed(action: str, place: str, error: BaseException) -> StorageError:
    """Build the error of a connection that did not bring an answer."""
    return StorageError(action, place, type(error).__name__, is_permanent=False)
