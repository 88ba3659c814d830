"""Receipts follow each other, and an edit or a gap shows."""

import json

import pytest

from deploy import receipts
from deploy.checklist import Report, Result, Status
from deploy.errors import ExitCode

RESULT = Result(
    id="migrations.history",
    title="all are recorded",
    status=Status.PASS,
    evidence={"query": "select 1", "rows": 3},
    ms=4.2,
)


@pytest.fixture
def records(tmp_path):
    report = Report(
        task="deploy",
        target="local",
        results=(RESULT,),
        ms=10,
        exit_code=ExitCode.DONE,
    )
    for _ in range(3):
        receipts.write(tmp_path, report, "2026-11-23 01:00:00 UTC", "4f2c91a")
    return tmp_path


def problems(records):
    return receipts.problems(receipts.load_all(records))


def test_receipts_are_numbered_and_chained(records):
    first, second, third = receipts.load_all(records)

    assert [first["number"], second["number"], third["number"]] == [1, 2, 3]
    assert first["previous"] is None
    assert third["previous"] == second["sha256"]
    assert problems(records) == {}


def test_an_edited_receipt_shows(records):
    path = records / receipts.FOLDER / "000002.json"
    path.write_text(path.read_text().replace('"rows": 3', '"rows": 4'))

    assert problems(records) == {2: "its content is not what was written"}


def test_an_edit_with_a_new_digest_breaks_the_next_link(records):
    path = records / receipts.FOLDER / "000002.json"
    document = json.loads(path.read_text())
    document["by"] = "nobody"
    document["sha256"] = receipts.digest(document)
    path.write_text(json.dumps(document))

    assert problems(records) == {3: "it does not follow receipt 2 as it is"}


def test_a_removed_receipt_shows(records):
    (records / receipts.FOLDER / "000002.json").unlink()

    assert problems(records) == {3: "receipt 2 before it is missing"}


def test_a_damaged_receipt_is_told_and_the_next_one_can_be_written(records):
    (records / receipts.FOLDER / "000003.json").write_text("{")

    assert problems(records) == {3: "its content is not what was written"}


def test_the_page_shows_check_evidence_and_digest(records):
    page = receipts.newest(records).read_text()

    assert "## migrations.history: pass (4 ms)" in page
    assert '"rows": 3' in page
    assert receipts.load_all(records)[-1]["sha256"] in page


def test_only_their_owner_may_read_them(records):
    folder = records / receipts.FOLDER

    assert folder.stat().st_mode & 0o077 == 0
    assert (folder / "000001.json").stat().st_mode & 0o077 == 0
