"""Make the images smaller that were there before, a few a minute."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from psycopg.types.json import Jsonb

from deploy.checklist import Result, Status
from deploy.errors import DeployError
from deploy.images.access import Place
from deploy.images.finding import explained, pending
from deploy.images.savings import Savings
from functions.compress_image.addresses import of_object
from functions.compress_image.decoder import DecoderError
from functions.compress_image.limits import RefusedImageError
from functions.compress_image.records import Record
from functions.shared.storage import ObjectInfo, StorageError

FAILING_MAX = 3
"""Images in a row whose decoder fails until it is the decoder's fault."""

JOB = "images.backfill"
LOGGED = """
insert into kiloscale.run_log (job, started_at, finished_at, rows, batches, detail)
values (%s, clock_timestamp() - make_interval(secs => %s), clock_timestamp(), %s, 1, %s)
"""


def backfilled(
    place: Place,
    names: Sequence[str],
    per_minute: int,
    most: int | None,
    said: Callable[[str], None],
) -> Iterator[Result]:
    """Make the images smaller that wait, oldest names first.

    Args:
        place: The stack's images.
        names: The buckets.
        per_minute: Images a minute.
        most: Images at most; ``None`` for all.
        said: Told what goes on.

    Raises:
        StorageAwayError: Storage is away or refuses the key; the next run goes on.
        DeployError: The decoder does not run.
    """
    left = most
    for bucket in names:
        began = time.monotonic()
        savings = Savings()
        failing = 0
        try:
            for each in islice(pending(place, bucket, said), left):
                try:
                    savings.add(*_one(place, bucket, each))
                    failing = 0
                except DecoderError as error:
                    savings.states["failed"] += 1
                    failing += 1
                    if failing == FAILING_MAX:
                        raise _no_decoder(error) from error
                done = savings.states.total()
                said(f"{bucket}: {done} images, {savings.percent:.0f} % saved")
                time.sleep(max(0, done * 60 / per_minute - (time.monotonic() - began)))
        finally:
            if savings.states:
                _log(place, bucket, savings, time.monotonic() - began)
        left = None if left is None else left - savings.states.total()
        yield _result(bucket, savings)


def _one(place: Place, bucket: str, each: ObjectInfo) -> tuple[Record, int]:
    """Make one image smaller; give what became of it, and the rows that name it."""
    try:
        where = of_object(bucket, each.path)
    except RefusedImageError as error:
        reason = f"{error.code}: {error.reason}"
        record = Record(bucket=bucket, path=each.path, state="refused", reason=reason)
        return record, place.service.finish(record, None)
    try:
        record = place.service.record(bucket, each.path, None)
    except StorageError as error:
        raise explained(error) from error
    return record, place.service.finish(record, where)


def _no_decoder(error: DecoderError) -> DeployError:
    """Tell that no image can be decoded here."""
    return DeployError(
        f"the decoder failed for {FAILING_MAX} images in a row, {error.reason}; what"
        " was done so far stays done",
        remedy=".venv/bin/python -c 'import pyvips'  # says what is missing",
        evidence={"reason": error.reason},
    )


def _log(place: Place, bucket: str, savings: Savings, seconds: float) -> None:
    """Write the run into the run log: counts, and no name of an object."""
    detail = Jsonb({"bucket": bucket, **savings.as_json()})
    place.connection.execute(LOGGED, (JOB, seconds, savings.rows, detail))


def _result(bucket: str, savings: Savings) -> Result:
    """Report a bucket."""
    failed = savings.states["failed"]
    done = savings.states.total() - failed
    return Result(
        id=f"images.{bucket}",
        title=f"{done} images done, {savings.states['compressed']} smaller:"
        f" {savings.before / 1e6:.1f} to {savings.after / 1e6:.1f} MB"
        f" ({savings.percent:.0f} % saved), {savings.rows} rows changed"
        + (f"; the decoder failed for {failed}, the next run tries" if failed else ""),
        status=Status.WARN if failed else Status.PASS,
        evidence=savings.as_json(),
        remedy="./bootstrap images.restore" if savings.rows else None,
        changed=bool(done),
    )
