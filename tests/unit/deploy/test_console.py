"""What a person reads: the table, its width, and JSON alone on stdout."""

import json

import pytest

from deploy import console
from deploy.checklist import Report, Result, Status
from deploy.errors import ExitCode

PASSED = Result(
    id="migrations.files",
    title="7 files parse",
    status=Status.PASS,
    evidence={"files": 7},
    ms=12,
)
FAILED = Result(
    id="crons.purge",
    title="purge is missing",
    status=Status.FAIL,
    evidence={"query": "select 1", "rows": []},
    remedy="./bootstrap deploy --only crons",
    ms=2_500,
)


def report(*results: Result) -> Report:
    return Report(
        task="deploy",
        target="local",
        results=results,
        ms=3_000,
        exit_code=ExitCode.DONE,
    )


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_a_failed_check_shows_its_remedy_and_its_evidence(capsys):
    console.show(report(PASSED, FAILED), as_json=False)

    shown = lines(capsys)
    assert "-> ./bootstrap deploy --only crons" in shown
    assert 'query: "select 1"' in shown
    assert "files: 7" not in shown


def test_evidence_of_all_checks_is_shown_on_demand(capsys):
    console.show(report(PASSED), as_json=False, evidence=True)

    assert "files: 7" in lines(capsys)


def test_the_last_line_counts_and_says_whether_anything_changed(capsys):
    console.show(report(PASSED, FAILED), as_json=False)

    assert lines(capsys)[-1] == "1 ok, 1 failed in 3.0 s; nothing changed; exit 0"


def test_no_line_is_wider_than_100_columns(capsys):
    long = Result(id="a.b", title="word " * 60, status=Status.PASS, ms=1)

    console.show(report(long), as_json=False)

    assert max(len(line) for line in capsys.readouterr().out.splitlines()) <= 100


def test_json_is_one_document_alone_on_stdout(capsys):
    console.show(report(PASSED, FAILED), as_json=True)

    out = capsys.readouterr()
    assert json.loads(out.out)["checks"][1]["remedy"] == FAILED.remedy
    assert out.err == ""


def test_there_is_no_colour_without_a_terminal(capsys):
    console.show(report(FAILED), as_json=False)

    assert "\x1b" not in capsys.readouterr().out
