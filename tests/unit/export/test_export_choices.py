"""What the options of ``db.export`` may be, and what is said where they are not."""

import pytest

from deploy.errors import UsageError
from deploy.export.choices import Choices


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"to": ""}, "--to is missing"),
        ({"to": "gs://bucket"}, "must be a folder or s3://BUCKET/PREFIX"),
        ({"tables": "messages,nope"}, "no table nope; the tables are conversations"),
        ({"tables": ","}, "no table is named"),
        ({"since": "2026-02-30"}, "must be a day as 2026-01-31"),
        ({"since": "20260101"}, "must be a day as 2026-01-31"),
        ({"since": "2026-01-01", "full": True}, "give one of them"),
        ({"forget": "somebody"}, "must be the id of a user"),
        (
            {"forget": "2c1b0b8e-0c3b-4a5e-9b7e-1f2d3c4b5a69", "tables": "messages"},
            "it takes no --tables",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(options: dict[str, object], said: str) -> None:
    choices = Choices(**{"to": "exported"} | options)  # type: ignore[arg-type]

    with pytest.raises(UsageError, match=said) as refused:
        choices.check()

    assert refused.value.remedy


def test_optional_tables_are_exported_only_if_they_are_named() -> None:
    usual = {table.name for table in Choices(to="x").chosen()}
    named = {
        table.name for table in Choices(to="x", tables="edge_function_logs").chosen()
    }

    assert "edge_function_logs" not in usual
    assert "messages" in usual
    assert named == {"edge_function_logs"}


def test_since_begins_with_the_month() -> None:
    assert Choices(to="x", since="2026-10-31").first_day() == "2026-10-01"
