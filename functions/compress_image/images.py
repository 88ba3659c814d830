"""Make an image of storage smaller, once: read, compress, write, record."""

import logging
from uuid import UUID

from functions.compress_image import records
from functions.compress_image.addresses import Place, ending, of_object, of_url
from functions.compress_image.decoder import DecoderError, compress
from functions.compress_image.limits import Aims, Limits, RefusedImageError
from functions.compress_image.naming import is_made
from functions.compress_image.outcomes import (
    OUTCOMES,
    Outcome,
    described,
    refused,
    state_of,
)
from functions.compress_image.records import Record, StoredForm, Work
from functions.shared.database import Database
from functions.shared.storage import ObjectTooLargeError, Storage, StorageError

logger = logging.getLogger(__name__)

MAX_AGE_S = 604_800
"""A week, as the scaling plan keeps images. The name tells the content, so that nothing
has to be purged before."""

REFUSALS_OF_STORAGE = {"400": "name", "404": "not-found", "413": "size", "415": "type"}
"""Statuses that are about the object; any other is about the key or the service."""


class Compressor:
    """Makes images smaller.

    Args:
        database: Where the outbox and the records are.
        storage: Where the objects are; ``None`` refuses every image.
        buckets: The buckets whose images are made smaller.
        limits: What an image may be.
        aims: What is made of it.
    """

    def __init__(
        self,
        database: Database,
        storage: Storage | None,
        buckets: tuple[str, ...],
        limits: Limits | None = None,
        aims: Aims | None = None,
    ) -> None:
        self._database = database
        self._storage = storage
        self._buckets = buckets
        self._limits = limits or Limits()
        self._aims = aims or Aims()

    def work(self, outbox_id: int) -> Outcome:
        """Do the work of an outbox row, and delete it with the effect.

        Raises:
            StorageError: Storage is away or refuses the key; the row stays.
            DecoderError: The process that decodes did not run; the row stays.
            psycopg.Error: The database failed; the row stays.
        """
        # Repeated after a lease whose answer was lost, it finds the row busy until the
        # lease ends, and the queue delivers the message again.
        work = self._database.run(
            lambda connection: records.take(connection, outbox_id), repeatable=False
        )
        if work is None:
            return Outcome.GONE
        if not work.is_ours:
            return Outcome.BUSY
        try:
            record, place = self._record(work)
        except (StorageError, DecoderError) as error:
            reason = str(error)
            self._database.run(
                lambda connection: records.give_back(connection, outbox_id, reason),
                repeatable=True,
            )
            raise
        self.finish(record, place, outbox_id)
        return OUTCOMES[record.state] if record else Outcome.REFUSED

    def finish(
        self, record: Record | None, place: Place | None, outbox_id: int | None = None
    ) -> int:
        """Record an image and replace its addresses; give the number of rows."""
        best = record.best_path if record else None
        start = place.ending if place else ""
        end = ending(record.bucket, best) if record and best else ""
        return self._database.run(
            lambda connection: records.finish(
                connection, outbox_id, record, start, end
            ),
            repeatable=True,
        )

    def _record(self, work: Work) -> tuple[Record | None, Place | None]:
        """Find out what becomes of the image of a row; ``None`` if it names none."""
        try:
            place = (
                of_url(work.image_url)
                if work.image_url
                else of_object(work.bucket, work.path)
            )
        except RefusedImageError as error:
            logger.warning("no image", extra={"fields": {"reason": error.code}})
            return None, None
        known = self._database.run(
            lambda connection: records.known(connection, place.bucket, place.path),
            repeatable=True,
        )
        if known and known.state != "refused" and not self._is_overwritten(known):
            # Another row of the same image: only its address is to be replaced.
            return known, place
        return self.record(place.bucket, place.path, work.user_id), place

    def _is_overwritten(self, known: Record) -> bool:
        """Tell whether another original lies under the name since it was looked at.

        Raises:
            StorageError: Storage is away or refuses the key.
        """
        if known.state == "restored" or known.source_etag is None or not self._storage:
            return False
        try:
            found = self._storage.info(known.bucket, known.path)
        except StorageError as error:
            if error.reason[:3] not in REFUSALS_OF_STORAGE:
                raise
            return False  # it is gone, and its forms are what is left of it
        return bool(found.etag) and found.etag != known.source_etag

    def record(
        self, bucket: str, path: str, user_id: UUID | None, *, store: bool = True
    ) -> Record:
        """Make an object smaller; its rows are not touched.

        Args:
            bucket: Its bucket.
            path: Its name there.
            user_id: Whose it is, if that is known.
            store: Whether what was made is written beside it; else it is only told.

        Raises:
            StorageError: As `work`.
            DecoderError: As `work`.
        """
        try:
            return self._compressed(bucket, path, user_id, store=store)
        except RefusedImageError as error:
            return refused(bucket, path, user_id, error)
        except ObjectTooLargeError as error:
            refusal = RefusedImageError("too-many-bytes", error.reason)
            return refused(bucket, path, user_id, refusal)
        except StorageError as error:
            code = REFUSALS_OF_STORAGE.get(error.reason[:3])
            if code is None:
                raise
            refusal = RefusedImageError(f"storage-{code}", str(error))
            return refused(bucket, path, user_id, refusal)

    def _compressed(
        self, bucket: str, path: str, user_id: UUID | None, *, store: bool
    ) -> Record:
        """Read an object, make it smaller, write what was made."""
        storage = self._check(bucket, path)
        content = storage.download(bucket, path, limit=self._limits.source_bytes)
        made = compress(content.data, self._limits, self._aims)
        forms = [described(path, form) for form in made.forms]
        if store:
            for form, each in zip(made.forms, forms, strict=True):
                _upload(storage, bucket, each, form.data)
        return Record(
            bucket=bucket,
            path=path,
            user_id=user_id,
            state=state_of(forms),
            reason="; ".join(made.notes) or None,
            source_bytes=len(content.data),
            source_etag=content.info.etag or None,
            width=made.width,
            height=made.height,
            frames=made.frames,
            forms=forms,
        )

    def _check(self, bucket: str, path: str) -> Storage:
        """Refuse what is not ours to touch."""
        if self._storage is None:
            raise RefusedImageError("no-storage", "SUPABASE_URL is not configured")
        if bucket not in self._buckets:
            raise RefusedImageError(
                "bucket", f"only images of {', '.join(self._buckets)} are made smaller"
            )
        if is_made(path):
            raise RefusedImageError("smaller-form", "it is a smaller form already")
        return self._storage


def _upload(storage: Storage, bucket: str, form: StoredForm, data: bytes) -> None:
    """Write a form."""
    storage.upload(
        bucket,
        form.path,
        data,
        content_type=f"image/{form.format}",
        max_age_s=MAX_AGE_S,
    )
