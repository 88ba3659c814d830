"""Reads an access log; what is no request is counted with its line's number."""

import gzip
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy.cdn.simulation.logs import combined, logpush
from deploy.cdn.simulation.logs.cloudfront import CloudFront
from deploy.cdn.simulation.logs.lines import LineError
from deploy.cdn.simulation.traffic import DAY_S, Request, Traffic
from deploy.errors import UsageError

EXAMPLES = 3
"""Line numbers that are kept for each reason."""

UNREAD_MAX = 0.5
"""With a larger share of lines that are no requests the file is something else."""

TOLD_EVERY = 100_000
REMEDY = "see docs/cdn.md, What it saves, for the formats"


def read(path: Path, days: float | None, progress: Callable[[str], None]) -> Traffic:
    """Read a log; gzipped if its name ends with ``.gz``.

    Args:
        path: The file.
        days: How many days at the end of it count; ``None`` for all. What is before
            only fills the caches.
        progress: Told now and then.

    Raises:
        UsageError: It cannot be read, or is no access log; lines are named by number,
            never by what they say.
    """
    reader = _Reader()
    for line in _lines(path):
        reader.add(line)
        if reader.number % TOLD_EVERY == 0:
            progress(f"{path.name}: {reader.number:,} lines")
    requests = sorted(reader.requests, key=lambda each: each.at)
    _check(path, reader)
    begins, ends = requests[0].at, requests[-1].at
    from_ = begins if days is None else max(begins, ends - days * DAY_S)
    return Traffic(
        name=path.name,
        requests=requests,
        counted_from=from_,
        ends=ends,
        lines=reader.count,
        unread={reason: len(found) for reason, found in reader.unread.items()},
        examples={reason: found[:EXAMPLES] for reason, found in reader.unread.items()},
    )


def _check(path: Path, reader: "_Reader") -> None:
    """Refuse a file that is something else.

    Raises:
        UsageError: It has no request, or more other lines than requests.
    """
    wrong = sum(map(len, reader.unread.values()))
    if not reader.requests or wrong > UNREAD_MAX * reader.count:
        raise UsageError(
            f"--log {path}: {wrong:,} of {reader.count:,} lines are no requests"
            f"{_named(reader.unread)}; nothing was simulated",
            remedy=REMEDY,
        )


class _Reader:
    """Reads line after line; the first one tells the format."""

    def __init__(self) -> None:
        self.number = self.comments = 0
        self.requests: list[Request] = []
        self.unread: defaultdict[str, list[int]] = defaultdict(list)
        self._parse: Callable[[str], Request | None] | None = None

    @property
    def count(self) -> int:
        """Lines that should be requests."""
        return self.number - self.comments

    def add(self, line: str) -> None:
        """Read one more line."""
        self.number += 1
        text = line.strip("\r\n")
        if not text.strip():
            self.comments += 1
            return
        self._parse = self._parse or _format(text)
        try:
            found = self._parse(text)
        except LineError as error:
            self.unread[str(error)].append(self.number)
            return
        if found is None:
            self.comments += 1
        else:
            self.requests.append(found)


def _format(line: str) -> Callable[[str], Request | None]:
    """Choose the reader by a file's first line."""
    if line.lstrip().startswith("{"):
        return logpush.parse
    return CloudFront().parse if line.startswith("#") else combined.parse


def _lines(path: Path) -> Iterator[str]:
    """Give the lines of a file; bytes that are no UTF-8 are replaced."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8-sig", errors="replace") as file:
                yield from file
        else:
            with path.open(encoding="utf-8-sig", errors="replace") as file:
                yield from file
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(
            f"--log {path}: not gzip, or cut off", remedy=REMEDY
        ) from error
    except OSError as error:
        reason = (error.strerror or "not readable").lower()
        raise UsageError(f"--log {path}: {reason}", remedy=REMEDY) from error


def _named(unread: dict[str, list[int]]) -> str:
    """Name the first lines of each reason."""
    told = [
        f"line {found[0]}: {reason}"
        for reason, found in list(unread.items())[:EXAMPLES]
    ]
    return f" ({'; '.join(told)})" if told else ""
