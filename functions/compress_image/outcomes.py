"""What becomes of an image, and how its record says so."""

from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from functions.compress_image.limits import RefusedImageError
from functions.compress_image.naming import name_of
from functions.compress_image.records import Record, StoredForm

if TYPE_CHECKING:
    from functions.compress_image.making import Form


class Outcome(StrEnum):
    """How an outbox row ended."""

    COMPRESSED = "image compressed"
    KEPT = "image kept"
    REFUSED = "image refused"
    RESTORED = "image restored before"
    GONE = "row gone"
    BUSY = "row busy"


OUTCOMES = {
    "compressed": Outcome.COMPRESSED,
    "kept": Outcome.KEPT,
    "refused": Outcome.REFUSED,
    "restored": Outcome.RESTORED,
}


def described(path: str, form: "Form") -> StoredForm:
    """Describe a form, under a name that tells its content."""
    return StoredForm(
        path=name_of(path, form.data, form.format, form.thumbnail_side),
        format=form.format,
        bytes=len(form.data),
        width=form.width,
        height=form.height,
        thumbnail_side=form.thumbnail_side,
        quality=form.quality,
        similarity=form.similarity,
    )


def state_of(forms: list[StoredForm]) -> str:
    """Name the state: an image whose WebP is not smaller keeps its address."""
    full = [
        form for form in forms if form.format == "webp" and form.thumbnail_side is None
    ]
    return "compressed" if full else "kept"


def refused(
    bucket: str, path: str, user_id: UUID | None, error: RefusedImageError
) -> Record:
    """Record why an image is left as it is."""
    return Record(
        bucket=bucket,
        path=path,
        user_id=user_id,
        state="refused",
        reason=f"{error.code}: {error.reason}"[:500],
    )
