"""What a plan is judged by, and what of a statement is shown."""

import pytest

from deploy.checklist import Status
from deploy.inspection.explaining import Explained, outline
from deploy.inspection.hot_paths import HOT_PATHS
from deploy.inspection.hot_queries import Tried, _judged
from deploy.inspection.samples import Samples
from deploy.inspection.top_statements import normalised

PATH = HOT_PATHS[0]
INDEX = {"Node Type": "Index Scan", "Index Name": "i", "Relation Name": "conversations"}
SCAN = {"Node Type": "Seq Scan", "Relation Name": "conversations"}


def tried(plan, *, grown=None, ms=0.1, pages=5):
    return Tried(
        path=PATH,
        worst=Explained(plan=plan, ms=ms, pages=pages),
        cold_ms=1.0,
        grown=Explained(plan=grown) if grown else None,
        samples=1,
    )


def judged(plan, *, table_pages=1_000_000, **found):
    shape = {"Actual Rows": 0, "Actual Total Time": 0.0}
    shape |= {"Shared Hit Blocks": 0, "Shared Read Blocks": 0}
    pages = {"conversations": table_pages}
    return _judged(tried(plan | shape, **found), pages, explain=False)


def test_an_index_within_budget_passes():
    result = judged(INDEX)

    assert result.status is Status.PASS
    assert "by i" in result.title


def test_reading_all_of_a_large_table_fails():
    result = judged(SCAN, table_pages=2_000)

    assert result.status is Status.FAIL
    assert "reads all of conversations (16 MiB)" in result.title
    assert result.remedy == f"./bootstrap db.hot-queries --explain {PATH.name}"


def test_reading_all_of_a_small_table_passes_if_an_index_would_serve_a_large_one():
    assert judged(SCAN, table_pages=10, grown=INDEX).status is Status.PASS
    assert judged(SCAN, table_pages=10, grown=SCAN).status is Status.FAIL


def test_too_many_pages_fail_and_too_much_time_warns():
    assert judged(INDEX, pages=PATH.budget_pages + 1).status is Status.FAIL
    assert judged(INDEX, ms=PATH.budget_ms + 1).status is Status.WARN
    assert judged(INDEX, pages=PATH.budget_pages).status is Status.PASS


def test_an_outline_shows_no_condition():
    node = SCAN | {"Filter": "(text = 'Dear diary')", "Total Cost": 3.0}

    assert list(outline(node)) == ["Seq Scan on conversations: cost 3"]


@pytest.mark.parametrize("path", HOT_PATHS, ids=lambda path: path.name)
def test_each_path_is_tried_with_rows_that_are_picked(path):
    assert path.sample in Samples.__dataclass_fields__
    assert path.budget_ms > 0 < path.budget_pages


def test_names_are_unique():
    assert len({path.name for path in HOT_PATHS}) == len(HOT_PATHS)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("select 'it''s mine'", "select '...'"),
        ("select $$a 'diary'$$, $q$b$q$", "select '...', '...'"),
        ("select 1 /* user 17 */ -- said", "select 1"),
        ("select $1 + 12345678", "select $1 + ..."),
        ("<insufficient privilege>", "of another role, whose statements are hidden"),
    ],
)
def test_no_constant_of_a_statement_is_shown(query, shown):
    assert normalised(query) == shown
