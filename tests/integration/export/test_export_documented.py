"""The questions of docs/analytics.md can be asked of an export."""

import re
from typing import Any
from uuid import UUID

import duckdb
import pytest

from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration


def test_the_documented_questions_have_answers(
    source: Any, exports: Any, filled: Any, user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.run("update conversations set created_at = '2026-09-30'")
    source.run(
        "insert into kiloscale.llm_usage values (%s, '2026-10-01', 'answer', 'm', 2, 9,"
        " 9, 1500000)",
        user,
    )
    exports.run()
    monkeypatch.chdir(exports.folder)
    text = (REPOSITORY / "docs/analytics.md").read_text("utf-8")
    questions = re.findall(r"```sql\n(.*?)```", text, re.S)

    with duckdb.connect() as duck:
        duck.execute("set TimeZone = 'UTC'")
        days, cohorts, costs = (duck.execute(each).fetchall() for each in questions)

    assert [row[1:] for row in days] == [(1, 1), (1, 1), (1, 1)]
    assert [row[1:] for row in cohorts] == [(0, 100.0), (1, 100.0)]
    assert costs[0][1:] == (2, 1.5)
