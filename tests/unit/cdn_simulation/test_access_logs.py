"""Access logs: each format is read, and no line is dropped without a word."""

import gzip
import json

import pytest

from deploy.cdn.simulation.logs.reading import read
from deploy.cdn.simulation.traffic import Request
from deploy.errors import UsageError

PATH = "/storage/v1/object/public/generated-images/a.png"
COMBINED = (
    '203.0.113.7 - - [05/Jan/2026:00:00:10 +0000] "GET {path} HTTP/1.1" 200 512 "-"'
    ' "Mozilla/5.0 \\"odd\\" (x)"'
)
LOGPUSH = {
    "ClientRequestURI": PATH,
    "ClientRequestMethod": "GET",
    "EdgeResponseStatus": 200,
    "EdgeResponseBytes": 512,
    "EdgeStartTimestamp": "2026-01-05T00:00:10Z",
    "ClientIP": "203.0.113.7",
    "ClientRequestUserAgent": "Mozilla/5.0",
    "EdgeColoCode": "FRA",
}
CLOUDFRONT = (
    "#Version: 1.0\n"
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem"
    " sc-status cs(Referer) cs(User-Agent) cs-uri-query\n"
    "2026-01-05\t00:00:10\tFRA56-C1\t512\t203.0.113.7\tGET\tx.cloudfront.net\t"
    f"{PATH}\t200\t-\tMozilla/5.0%20(x)\tv=2\n"
)
AT = 1_767_571_210.0


@pytest.fixture
def log(tmp_path):
    """Read some text as a log."""

    def reading(text: str, days: float | None = None, name: str = "access.log"):
        path = tmp_path / name
        path.write_bytes(
            gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
        )
        return read(path, days, lambda _: None)

    return reading


def told(found: Request) -> tuple:
    return found.at, found.method, found.target, found.status, found.size, found.place


@pytest.mark.parametrize("name", ["access.log", "access.log.gz"])
def test_the_combined_format_is_read(log, name):
    found = log(COMBINED.format(path=PATH) + "\n", name=name)

    assert told(found.requests[0]) == (AT, "GET", PATH, 200, 512, "")
    assert found.requests[0].viewer
    assert not found.are_views


def test_the_common_format_is_read_without_a_size_too(log):
    line = f'::1 - frank [05/Jan/2026:01:00:10 +0100] "HEAD {PATH}?v=1 HTTP/2.0" 304 -'

    assert told(log(line).requests[0]) == (AT, "HEAD", f"{PATH}?v=1", 304, 0, "")


@pytest.mark.parametrize(
    "time", ["2026-01-05T00:00:10Z", 1_767_571_210, 1_767_571_210_000_000_000]
)
def test_logpush_is_read_with_each_kind_of_time(log, time):
    found = log(json.dumps(LOGPUSH | {"EdgeStartTimestamp": time}))

    assert told(found.requests[0]) == (AT, "GET", PATH, 200, 512, "FRA")


def test_cloudfront_is_read_by_the_names_of_its_fields(log):
    found = log(CLOUDFRONT)

    assert told(found.requests[0]) == (AT, "GET", f"{PATH}?v=2", 200, 512, "FRA")
    assert (found.lines, found.unread) == (1, {})


def test_two_browsers_of_one_address_are_two_viewers(log):
    lines = [LOGPUSH, LOGPUSH | {"ClientRequestUserAgent": "curl"}, LOGPUSH]

    found = log("\n".join(map(json.dumps, lines)))

    assert len({each.viewer for each in found.requests}) == 2


def test_lines_that_are_no_requests_are_counted_with_their_numbers(log):
    good = COMBINED.format(path=PATH)
    moved = good.replace(" 200 ", " 301 ")

    found = log("\n".join([good, "noise", good, "", moved, "more noise", good, good]))

    assert (len(found.requests), found.lines) == (4, 7)
    assert found.unread == {
        "not in the common or combined log format": 2,
        "a redirection": 1,
    }
    assert found.examples["not in the common or combined log format"] == [2, 6]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"EdgeResponseStatus": 99}, "the status is not 100 to 599"),
        ({"EdgeResponseStatus": "ok"}, "the status is no number"),
        ({"EdgeResponseStatus": None}, "EdgeResponseStatus is missing"),
        ({"EdgeResponseBytes": -1}, "the size is negative"),
        ({"EdgeResponseBytes": None}, "EdgeResponseBytes is missing"),
        ({"EdgeStartTimestamp": "today"}, "EdgeStartTimestamp is no time"),
        ({"ClientRequestURI": None}, "ClientRequestURI is missing"),
        ({"ClientRequestURI": "secret"}, "the path does not begin with /"),
        ({"ClientRequestMethod": "BREW"}, "the method is unknown"),
    ],
)
def test_a_file_of_bad_lines_is_refused_with_the_first_ones(log, change, problem):
    with pytest.raises(UsageError) as refused:
        log(json.dumps(LOGPUSH | change))

    assert f"1 of 1 lines are no requests (line 1: {problem})" in str(refused.value)
    assert "nothing was simulated" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "\n\n", "#Fields: date\n2026-01-05\n", "[]\n"])
def test_what_is_no_log_is_refused(log, text):
    with pytest.raises(UsageError, match="are no requests"):
        log(text)


def test_a_broken_archive_and_a_missing_file_are_refused(tmp_path):
    broken = tmp_path / "a.log.gz"
    broken.write_bytes(gzip.compress(b"x" * 9_000)[:40])

    with pytest.raises(UsageError, match="not gzip, or cut off"):
        read(broken, None, lambda _: None)
    with pytest.raises(UsageError, match="no such file"):
        read(tmp_path / "b.log", None, lambda _: None)


def test_days_count_from_the_end_and_the_rest_fills_the_caches(log):
    lines = [
        json.dumps(LOGPUSH | {"EdgeStartTimestamp": f"2026-01-0{day}T00:00:00Z"})
        for day in (7, 1, 3)
    ]

    found = log("\n".join(lines), days=4.5)

    assert [each.at for each in found.requests] == sorted(
        each.at for each in found.requests
    )
    assert found.days == 4.5
    assert sum(each.at >= found.counted_from for each in found.requests) == 2
