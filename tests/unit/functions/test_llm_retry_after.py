"""When a busy provider wants to be asked again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from functions.shared.providers.retry_after import RETRY_INFO, details_s, header_s


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("", 0.0), ("-3", 0.0), ("soon", 0.0), ("nan", 0.0)],
)
def test_the_header_is_a_number_of_seconds(value, seconds):
    assert header_s({"retry-after": value}) == seconds


def test_without_the_header_nothing_is_said():
    assert header_s({}) == 0.0


def test_the_header_may_be_a_date():
    soon = datetime.now(UTC) + timedelta(seconds=30)

    assert 28 <= header_s({"retry-after": format_datetime(soon, usegmt=True)}) <= 30
    assert header_s({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0


@pytest.mark.parametrize(
    ("details", "seconds"),
    [
        ({"error": {"details": [{"@type": RETRY_INFO, "retryDelay": "34.5s"}]}}, 34.5),
        ({"error": {"details": [{"@type": "other", "retryDelay": "9s"}]}}, 0.0),
        ({"error": {"details": [{"@type": RETRY_INFO}]}}, 0.0),
        ({"error": {"details": "busy"}}, 0.0),
        ({"error": "busy"}, 0.0),
        ("busy", 0.0),
        (None, 0.0),
    ],
)
def test_google_says_it_in_the_body(details, seconds):
    assert details_s(details) == seconds
