"""Find the originals that were not looked at yet."""

from collections.abc import Callable, Iterator

from deploy.errors import DeployError
from deploy.images.access import Place
from functions.compress_image.naming import is_made
from functions.shared.storage import ObjectInfo, StorageError

KNOWN = "select path from kiloscale.images where bucket = %s and path = any (%s)"


class StorageAwayError(DeployError):
    """Storage did not answer, or refused the key."""


def pending(
    place: Place, bucket: str, said: Callable[[str], None]
) -> Iterator[ObjectInfo]:
    """List the originals of a bucket of which nothing is known, page by page.

    What was done stands in ``kiloscale.images``, so that a run that was interrupted
    goes on where it ended, whatever became of the objects meanwhile.

    Raises:
        StorageAwayError: The bucket cannot be listed.
    """
    cursor, seen = None, 0
    while True:
        try:
            page = place.storage.page(bucket, "", cursor)
        except StorageError as error:
            raise explained(error) from error
        seen += len(page.objects)
        said(f"{bucket}: {seen} objects listed")
        originals = [
            each
            for each in page.objects
            if not is_made(each.path)
            and each.content_type.partition("/")[0] in {"", "image"}
        ]
        names = [each.path for each in originals]
        rows = place.connection.execute(KNOWN, (bucket, names)).fetchall()
        known = {row[0] for row in rows}
        yield from (each for each in originals if each.path not in known)
        if page.cursor is None:
            return
        cursor = page.cursor


def explained(error: StorageError) -> StorageAwayError:
    """Tell a person what storage refused; what was done stays done."""
    return StorageAwayError(
        f"{error}; what was done so far stays done",
        remedy="./bootstrap images.backfill",
    )
