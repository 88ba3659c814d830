"""Make the images smaller that were there before, a few a minute."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from psycopg.types.json import Jsonb

from deploy.checklist import Result, Status
from deploy.images.access import Place
from deploy.images.finding import explained, pending
from functions.compress_image.addresses import of_object
from functions.compress_image.limits import RefusedImageError
from functions.compress_image.records import Record
from functions.shared.storage import ObjectInfo, StorageError

JOB = "images.backfill"
LOGGED = """
insert into kiloscale.run_log (job, started_at, finished_at, rows, batches, detail)
values (%s, clock_timestamp() - make_interval(secs => %s), clock_timestamp(), %s, 1, %s)
"""


@dataclass(kw_only=True)
class Savings:
    """What became of the images of a run.

    Attributes:
        states: Images by how they ended.
        reasons: Refused ones by the code of the reason.
        before: Bytes of the originals that got smaller.
        after: Bytes of what is served in their place.
        stored: Bytes of all forms that were written.
        rows: Rows whose address was replaced.
    """

    states: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    before: int = 0
    after: int = 0
    stored: int = 0
    rows: int = 0

    def add(self, record: Record, rows: int) -> None:
        """Count an image."""
        self.states[record.state] += 1
        self.rows += rows
        self.stored += sum(form.bytes for form in record.forms)
        if record.state == "refused":
            self.reasons[(record.reason or "").partition(":")[0]] += 1
        best = next((f for f in record.forms if f.path == record.best_path), None)
        if best:
            self.before += record.source_bytes or 0
            self.after += best.bytes

    @property
    def percent(self) -> float:
        """Share of the bytes served that is saved, in percent."""
        return 100 - 100 * self.after / self.before if self.before else 0.0

    def as_json(self) -> dict[str, object]:
        """Give the report."""
        return {
            "images": dict(self.states),
            "refused_for": dict(self.reasons),
            "bytes_before": self.before,
            "bytes_after": self.after,
            "saved_percent": round(self.percent, 1),
            "bytes_stored_beside": self.stored,
            "rows_changed": self.rows,
        }


def estimated(
    place: Place, names: Sequence[str], per_minute: int, said: Callable[[str], None]
) -> Iterator[Result]:
    """Say how many images wait and, by their number and rate, how long it takes.

    Args:
        place: The stack's images.
        names: The buckets.
        per_minute: Images a minute.
        said: Told what goes on.
    """
    for bucket in names:
        found = list(pending(place, bucket, said))
        total = sum(each.size for each in found)
        minutes = len(found) / per_minute
        yield Result(
            id=f"images.{bucket}",
            title=f"{len(found)} images wait, {total / 1e6:.1f} MB; at"
            f" {per_minute} a minute {minutes:.0f} min and as much egress",
            status=Status.PASS,
            evidence={"images": len(found), "bytes": total, "minutes": minutes},
            planned=bool(found),
        )


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
    """
    left = most
    for bucket in names:
        began = time.monotonic()
        savings = Savings()
        try:
            for each in islice(pending(place, bucket, said), left):
                savings.add(*_one(place, bucket, each))
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


def _log(place: Place, bucket: str, savings: Savings, seconds: float) -> None:
    """Write the run into the run log: counts, and no name of an object."""
    detail = Jsonb({"bucket": bucket, **savings.as_json()})
    place.connection.execute(LOGGED, (JOB, seconds, savings.rows, detail))


def _result(bucket: str, savings: Savings) -> Result:
    """Report a bucket."""
    done = savings.states.total()
    return Result(
        id=f"images.{bucket}",
        title=f"{done} images done, {savings.states['compressed']} smaller:"
        f" {savings.before / 1e6:.1f} to {savings.after / 1e6:.1f} MB"
        f" ({savings.percent:.0f} % saved), {savings.rows} rows changed",
        status=Status.PASS,
        evidence=savings.as_json(),
        remedy="./bootstrap images.restore" if savings.rows else None,
        changed=bool(done),
    )
