"""Say what a backfill would do: how many images wait, and what a sample saves."""

import time
from collections.abc import Callable, Iterator, Sequence

from deploy.checklist import Result, Status
from deploy.images.access import Place
from deploy.images.finding import explained, pending
from deploy.images.savings import Savings
from functions.compress_image.decoder import DecoderError
from functions.shared.storage import ObjectInfo, StorageError


def estimated(
    place: Place,
    names: Sequence[str],
    per_minute: int,
    sample: int,
    said: Callable[[str], None],
) -> Iterator[Result]:
    """Count what waits, and make a sample of it smaller in memory; write nothing.

    Args:
        place: The stack's images.
        names: The buckets.
        per_minute: Images a minute.
        sample: Images of each bucket that are read for it; 0 for none.
        said: Told what goes on.

    Raises:
        StorageAwayError: Storage is away or refuses the key.
    """
    for bucket in names:
        found = list(pending(place, bucket, said))
        tried = _tried(place, bucket, spread(found, sample), said)
        yield _result(bucket, found, per_minute, tried)


def spread(found: Sequence[ObjectInfo], most: int) -> list[ObjectInfo]:
    """Choose objects of every size: in the order of their sizes, evenly apart.

    Large ones hold most of the bytes, small ones most of the images.
    """
    if not found or not most:
        return []
    by_size = sorted(found, key=lambda each: (each.size, each.path))
    count = min(most, len(by_size))
    return [by_size[(2 * at + 1) * len(by_size) // (2 * count)] for at in range(count)]


def _tried(
    place: Place,
    bucket: str,
    sample: Sequence[ObjectInfo],
    said: Callable[[str], None],
) -> tuple[Savings, int, float]:
    """Make a sample smaller; give what it saves, its bytes, and seconds an image."""
    savings, read, began = Savings(), 0, time.monotonic()
    for at, each in enumerate(sample, 1):
        said(f"{bucket}: {at} of {len(sample)} images of the sample")
        try:
            savings.add(place.service.record(bucket, each.path, None, store=False), 0)
        except StorageError as error:
            raise explained(error) from error
        except DecoderError:
            savings.states["failed"] += 1
        read += each.size
    return savings, read, (time.monotonic() - began) / max(len(sample), 1)


def _result(
    bucket: str,
    found: Sequence[ObjectInfo],
    per_minute: int,
    tried: tuple[Savings, int, float],
) -> Result:
    """Report a bucket."""
    savings, read, seconds = tried
    total = sum(each.size for each in found)
    count = savings.states.total()
    minutes = len(found) * max(60 / per_minute, seconds) / 60
    told = (
        f"{len(found)} images wait; {total / 1e6:.1f} MB of egress, {minutes:.0f} min"
    )
    share = (savings.before - savings.after) / read if read else 0.0
    if count:
        told += (
            f"; a sample of {count} saves {share:.0%}, so about"
            f" {total * share / 1e6:.1f} MB less would be served"
        )
    return Result(
        id=f"images.{bucket}",
        title=told,
        status=Status.PASS,
        evidence={
            "images": len(found),
            "bytes": total,
            "egress_bytes": total,
            "minutes": round(minutes, 1),
            "sample": savings.as_json() | {"images_read": count, "bytes_read": read},
            "estimated_bytes_saved": round(total * share) if count else None,
            "estimated_bytes_stored_beside": round(total * savings.stored / read)
            if read
            else None,
        },
        planned=bool(found),
    )
