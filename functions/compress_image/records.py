"""What is known of images: the statements of compress_image, and their rows."""

from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from functions.shared.database import Connection

TAKE = "select kiloscale.take_image(%(outbox_id)s, %(lease_s)s)"

KNOWN = """
select to_jsonb(i) from kiloscale.images i
 where i.bucket = %(bucket)s and i.path = %(path)s
"""

FINISH = "select kiloscale.finish_image(%(outbox_id)s, %(image)s, %(start)s, %(end)s)"

ASK = "select kiloscale.ask_for_image(%(bucket)s, %(path)s, %(user)s, %(request)s)"

# The relay sends it again; its own reason stays until then.
GIVE_BACK = """
update kiloscale.outbox
   set last_error = %(reason)s, leased_until = null
 where id = %(outbox_id)s and topic = 'images'
"""

LEASE_S = 90
"""How long an image is one consumer's: longer than all that it may take."""


class StoredForm(msgspec.Struct, frozen=True, kw_only=True):
    """A smaller form that lies in the bucket of its original.

    Attributes:
        path: Its name there.
        format: ``webp`` or ``avif``.
        bytes: Its size, in bytes.
        width: In pixels.
        height: Of one frame, in pixels.
        thumbnail_side: Longest side that was asked for; ``None`` for the full size.
        quality: As the encoder takes it; 100 for WebP without loss.
        similarity: Structural similarity to the original, 0 to 1; ``None`` for a
            thumbnail.
    """

    path: str
    format: str
    bytes: int
    width: int
    height: int
    thumbnail_side: int | None = None
    quality: int = 0
    similarity: float | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an image; columns of ``kiloscale.images``.

    Attributes:
        source_etag: Of the original that was read; ``None`` if storage told none.
        best_path: The form that rows name from now on; ``None`` leaves them.
    """

    bucket: str
    path: str
    user_id: UUID | None = None
    state: str
    reason: str | None = None
    source_bytes: int | None = None
    source_etag: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    forms: list[StoredForm] = []

    @property
    def best_path(self) -> str | None:
        """The WebP in full size: every browser shows it."""
        if self.state != "compressed":
            return None
        return next(
            (
                form.path
                for form in self.forms
                if form.format == "webp" and form.thumbnail_side is None
            ),
            None,
        )


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """An outbox row that was taken: an address, or an object.

    Attributes:
        is_ours: Whether the lease is; else another consumer works on it.
    """

    is_ours: bool
    user_id: UUID | None = None
    image_url: str = ""
    bucket: str = ""
    path: str = ""


def take(connection: Connection, outbox_id: int) -> Work | None:
    """Take a row; ``None`` if it is done."""
    given = {"outbox_id": outbox_id, "lease_s": LEASE_S}
    row = connection.execute(TAKE, given).fetchone()
    return msgspec.convert(row[0], Work) if row and row[0] else None


def known(connection: Connection, bucket: str, path: str) -> Record | None:
    """Give what is known of an image."""
    row = connection.execute(KNOWN, {"bucket": bucket, "path": path}).fetchone()
    return msgspec.convert(row[0], Record) if row else None


def finish(
    connection: Connection,
    outbox_id: int | None,
    record: Record | None,
    start: str,
    end: str,
) -> int:
    """Record an image, replace its addresses, and delete the outbox row.

    Args:
        connection: To the database.
        outbox_id: The row; ``None`` for none.
        record: What became of the image; ``None`` if the row names none.
        start: How the addresses of the original end.
        end: How those of its smaller form do; empty leaves the rows alone.

    Returns:
        Rows whose address was replaced.
    """
    image = record and msgspec.to_builtins(record) | {"best_path": record.best_path}
    given = {
        "outbox_id": outbox_id,
        "image": Jsonb(image) if image else None,
        "start": start,
        "end": end or None,
    }
    row = connection.execute(FINISH, given).fetchone()
    return int(str(row[0])) if row else 0


def ask(
    connection: Connection, bucket: str, path: str, user: UUID | None, request: str
) -> dict[str, Any]:
    """Ask for an object; give what is known of it."""
    given = {"bucket": bucket, "path": path, "user": user, "request": request}
    row = connection.execute(ASK, given).fetchone()
    return msgspec.convert(row[0], dict[str, Any]) if row else {}


def give_back(connection: Connection, outbox_id: int, reason: str) -> None:
    """Let another try have the row, with the reason of this one's failure."""
    connection.execute(GIVE_BACK, {"outbox_id": outbox_id, "reason": reason[:500]})
