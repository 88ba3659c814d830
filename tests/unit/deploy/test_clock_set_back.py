"""A clock that was set back breaks no record: times are for people, not for order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deploy import journal, ledger, receipts
from deploy.checklist import Report, Status
from deploy.errors import ExitCode
from deploy.journal import Journal
from deploy.schedules import Seen, judge
from infra.catalog.schedules import HOURLY_HEALTH_CHECK

CREATED = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SEEN = Seen(
    state="ENABLED",
    expression="rate(1 hour)",
    target="arn:aws:lambda:eu-central-1:123456789012:function:health:live",
    created_at=CREATED,
    fired_at=None,
)
REPORT = Report(
    task="deploy", target="local", results=(), ms=1.0, exit_code=ExitCode.DONE
)


@pytest.fixture
def clock(monkeypatch):
    """Sets the clock of the records to a text."""

    def set_to(text):
        for module in (journal, receipts):
            monkeypatch.setattr(module, "now", lambda: text)

    return set_to


def test_receipts_are_chained_by_number_and_digest(tmp_path, clock):
    for day in ("2026-11-23", "2026-11-20", "2026-11-22"):
        clock(f"{day} 01:00:00 UTC")
        receipts.write(tmp_path, REPORT, f"{day} 00:59:00 UTC", None)

    documents = receipts.load_all(tmp_path)

    assert [one["number"] for one in documents] == [1, 2, 3]
    assert receipts.problems(documents) == {}
    assert receipts.newest(tmp_path).name == "000003.md"


def test_a_journal_of_the_future_is_gone_on_with(tmp_path, clock):
    clock("2026-11-23 01:00:00 UTC")
    Journal(tmp_path, ["database", "crons"]).step_started("crons", "schedule")

    clock("2026-11-20 01:00:00 UTC")

    assert journal.resume_from(journal.last(tmp_path)) == "crons"


def test_the_ledger_compares_digests_and_no_times(tmp_path):
    ledger.write(tmp_path, infrastructure="abc", provisioned_at="2999-01-01 00:00:00")
    ledger.write(tmp_path, provisioned_at="1999-01-01 00:00:00")

    assert ledger.read(tmp_path)["infrastructure"] == "abc"


@pytest.mark.parametrize("fired_at", [None, CREATED + timedelta(hours=1)])
def test_a_schedule_of_the_future_is_not_overdue(fired_at):
    seen = replace(SEEN, fired_at=fired_at)

    result = judge(HOURLY_HEALTH_CHECK, seen, CREATED - timedelta(days=3))

    assert result.status in (Status.PENDING, Status.PASS)
