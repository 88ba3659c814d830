"""What may leave the database, and by which names."""

from dataclasses import replace

import pytest
from psycopg import sql

from deploy.export import warehouses
from deploy.export.catalog import TABLES, By
from deploy.export.columns import Kind
from deploy.export.manifest import File, TableFiles, Written
from deploy.export.parts import Part, compare, path
from deploy.export.shapes import Shape

# What a user wrote, who he is, and what leads to it.
PRIVATE = {
    "conversations": {"title", "meta"},
    "messages": {"text", "user_name", "meta"},
    "conversation_summaries": {"summary_text"},
    "user_memory": {"memory_text", "canonical_hash", "memory_metadata"},
    "user_images": {"image_url", "image_path"},
}


def shape(name: str) -> Shape:
    table = next(table for table in TABLES if table.name == name)
    found = {
        source: frozenset(c.source for c in table.columns) for source in table.sources
    }
    return Shape(table=table, columns=table.columns, found=found)


def part(value: str, rows: int = 1, fingerprint: str = "a") -> Part:
    return Part(table="messages", value=value, rows=rows, fingerprint=fingerprint)


def file(name: str, value: str, rows: int = 1, fingerprint: str = "a") -> File:
    return File(
        path=path(shape(name).table, value),
        value=value,
        rows=rows,
        bytes=1,
        sha256="",
        fingerprint=fingerprint,
    )


def test_what_users_wrote_is_private() -> None:
    found = {
        table.name: {each.name for each in table.columns if each.private}
        for table in TABLES
    }

    assert {name: names for name, names in found.items() if names} == PRIVATE


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_user_and_profile_has_a_pseudonym(table: object) -> None:
    for each in table.columns:  # type: ignore[attr-defined]
        if each.name in ("user_id", "profile_id"):
            assert each.kind.form.pseudonym


def test_a_table_whose_days_are_kept_has_no_user() -> None:
    kept = [table for table in TABLES if table.keeps]

    assert kept
    for table in kept:
        assert {each.name for each in table.columns}.isdisjoint({"user_id", "event"})
        assert table.by is By.DAY


def test_kinds_are_no_aliases_of_each_other() -> None:
    assert len(Kind.__members__) == len(list(Kind)) == 9


def test_a_part_with_other_rows_is_written_and_one_without_is_dropped() -> None:
    found = compare(
        shape("messages"),
        [part("2026-10-01"), part("2026-11-01", fingerprint="b"), part("2026-12-01")],
        [
            file("messages", "2026-09-01"),
            file("messages", "2026-10-01"),
            file("messages", "2026-11-01"),
        ],
        since="",
        dirty=frozenset(),
    )

    assert [each.value for each in found.write] == ["2026-11-01", "2026-12-01"]
    assert [each.value for each in found.keep] == ["2026-10-01"]
    assert found.drop == ["messages/month=2026-09-01/messages.parquet"]


def test_a_day_of_logs_with_fewer_rows_than_its_file_is_kept() -> None:
    found = compare(
        shape("edge_function_logs"),
        [part("2026-10-02", rows=3, fingerprint="b"), part("2026-10-03", rows=9)],
        [
            file("edge_function_logs", "2026-10-01"),
            file("edge_function_logs", "2026-10-02", rows=7),
            file("edge_function_logs", "2026-10-03", rows=7),
        ],
        since="",
        dirty=frozenset(),
    )

    assert [each.value for each in found.write] == ["2026-10-03"]
    assert sorted(each.value for each in found.keep) == ["2026-10-01", "2026-10-02"]
    assert found.drop == []


def test_the_archive_is_part_of_messages() -> None:
    query = shape("messages").rows().as_string(None)

    assert 'from "public"."messages" r union all' in query
    assert 'from "kiloscale"."messages_archive" r' in query


def test_names_of_columns_are_quoted() -> None:
    found = shape("feature_usage")
    strange = replace(found.table.columns[1], name='a"b; drop')
    odd = replace(
        found,
        columns=(strange,),
        found={"public.feature_usage": frozenset({"user_id", 'a"b; drop'})},
    )

    assert odd.values().as_string(None) == sql.SQL('r."a""b; drop"').as_string(None)


def loaded(name: str) -> dict[str, TableFiles]:
    columns = [
        Written(name="id", kind="text"),
        Written(name="created_at", kind="time"),
        Written(name="text_bytes", kind="bytes"),
    ]
    files = [file(name, "2026-10-01")]
    return {name: TableFiles(columns=columns, files=files, exported_at="")}


def test_bigquery_reads_the_month_from_the_path() -> None:
    text = warehouses.bigquery(loaded("messages"), "s3://bucket/one")

    assert text.partition("\n\n")[2] == (
        "load data overwrite kiloscale.messages (\n"
        "  id STRING,\n  created_at TIMESTAMP,\n  text_bytes INT64\n)\n"
        "from files (\n  format = 'PARQUET',\n"
        "  uris = ['gs://bucket/one/messages/*'],\n"
        "  hive_partition_uri_prefix = 'gs://bucket/one/messages'\n)\n"
        "with partition columns (month date);\n"
    )


def test_snowflake_replaces_a_table_in_one_transaction() -> None:
    text = warehouses.snowflake(loaded("messages"), "/a/folder")

    assert "url = 's3://BUCKET/PREFIX/'" in text
    assert text[text.index("begin;") :] == (
        "begin;\ndelete from messages;\n"
        "copy into messages (id, created_at, text_bytes, month)\n"
        "from (select $1:id::VARCHAR,\n  $1:created_at::TIMESTAMP_LTZ,\n"
        "  $1:text_bytes::NUMBER(38, 0),\n"
        "  to_date(regexp_substr(metadata$filename,"
        " 'month=([0-9-]+)', 1, 1, 'e'))\n"
        "  from @kiloscale_export/messages/)\n"
        "pattern = '.*[.]parquet' force = true;\ncommit;\n"
    )


def test_a_table_without_files_is_not_loaded() -> None:
    empty = {"messages": TableFiles(columns=[], files=[], exported_at="")}

    assert "messages" not in warehouses.bigquery(empty, "s3://bucket/one")
