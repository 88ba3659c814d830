"""What stands in the files: no text, no names, types that warehouses read."""

from typing import Any
from uuid import UUID

import duckdb
import psycopg
import pytest

pytestmark = pytest.mark.integration

# Physical and logical types of Parquet that both document (Google, "Loading Parquet
# data", type conversions; Snowflake, "COPY INTO", Parquet): no unsigned and no nested
# one, no UUID and no JSON.
ALLOWED = {
    ("BYTE_ARRAY", "UTF8"),
    ("BOOLEAN", None),
    ("DOUBLE", None),
    ("INT64", None),
    ("INT64", "INT_64"),
    ("INT32", "DATE"),
    ("INT64", "TIMESTAMP_MICROS"),
}


def test_nothing_that_a_user_wrote_or_is_leaves_the_database(
    source: Any, exports: Any, filled: Any, user: UUID
) -> None:
    source.run(
        "insert into user_memory (user_id, memory_text, memory_type, confidence_score,"
        " canonical_hash) values (%s, 'a secret memory', 'fact', 0.125, 'secret-hash')",
        user,
    )
    exports.run()

    content = b""
    for table in ("conversations", "messages", "user_memory"):
        rows = exports.rows(f"select * from {{{table}}}")
        assert rows
        content += repr(rows).encode()
    content += b"".join(
        p.read_bytes() for p in exports.folder.rglob("*.*") if p.is_file()
    )
    assert b"secret" not in content
    assert str(user).encode() not in content
    assert b"@example.test" not in content


def test_a_user_has_one_pseudonym_in_all_tables(
    source: Any, exports: Any, filled: Any, user: UUID
) -> None:
    source.run("insert into feature_usage (user_id) values (%s)", user)
    exports.run()

    found = exports.rows(
        "select user_id from {messages} union select user_id from {conversations}"
        " union select user_id from {feature_usage}"
    )

    assert len(found) == 1
    assert UUID(found[0][0]).version == 8


def test_text_arrives_as_it_was_where_it_is_asked_for(
    source: Any, exports: Any, filled: Any
) -> None:
    chat = source.value("select id from conversations")
    texts = [
        "",
        'a "secret", \n text',
        "\\N",
        "tab\t\r\nünï \U0001f600",
        "NULL",
        "a" * 3_000_000,
    ]
    for text in texts:
        source.say(chat, "2026-10-10Z", text)
    code, _ = exports.run(include_text=True, real_ids=True)

    found = exports.rows("select distinct text, text_bytes from {messages}")

    assert code == 0
    assert dict(found) == {text: len(text.encode()) for text in texts}


def test_times_keep_their_microseconds_in_utc(exports: Any, filled: Any) -> None:
    exports.run()

    found = exports.rows("select min(created_at)::varchar from {messages}")

    assert found == [("2026-09-30 23:59:59.999999+00",)]


def test_a_file_is_sorted_by_time(source: Any, exports: Any, filled: Any) -> None:
    chat = source.value("select id from conversations")
    source.run(
        "insert into messages (chat_id, role, created_at) select %s, 'user',"
        " timestamptz '2026-10-01Z' + interval '1 s' * (n * 7919 %% 100000)"
        " from generate_series(1, 9000) n",
        chat,
    )
    exports.run()

    found = exports.rows(
        "select created_at from {messages} where month = date '2026-10-01'"
    )

    assert len(found) == 9002
    assert found == sorted(found)


def test_rows_without_a_finite_time_are_there(
    source: Any, exports: Any, filled: Any
) -> None:
    source.run("alter table messages alter created_at drop not null")
    chat = source.value("select id from conversations")
    for at in ("infinity", None):
        source.say(chat, at)

    code, _ = exports.run()

    assert code == 0
    assert exports.rows(
        "select count(*) from {messages} where month = date '1970-01-01'"
        " and created_at is null"
    ) == [(2,)]


def test_files_have_only_types_that_warehouses_document(
    source: Any, exports: Any, filled: Any, user: UUID
) -> None:
    source.run("insert into feature_usage (user_id) values (%s)", user)
    source.run("alter table conversations add tags text[] default '{a}', add n money")
    exports.run(all_columns=True, include_text=True)

    with duckdb.connect() as duck:
        for path in exports.folder.rglob("*.parquet"):
            schema = duck.execute(
                "select name, type, converted_type, num_children, logical_type"
                " from parquet_schema(?)",
                [str(path)],
            ).fetchall()
            kinds = {(each[1], each[2]) for each in schema if not each[3]}
            nested = [each[0] for each in schema if each[3]]
            times = [each[4] for each in schema if each[2] == "TIMESTAMP_MICROS"]
            assert kinds <= ALLOWED, path
            assert all("isAdjustedToUTC=1" in each for each in times), path
            assert len(nested) == 1, path  # the root
            codecs = duck.execute(
                "select distinct compression from parquet_metadata(?)", [str(path)]
            ).fetchall()
            assert codecs in ([("ZSTD",)], []), path


def test_columns_of_the_app_are_left_out_unless_asked_for(
    source: Any, exports: Any, filled: Any
) -> None:
    source.run("alter table conversations add shoe_size integer default 42")
    exports.run()
    with pytest.raises(duckdb.BinderException):
        exports.rows("select shoe_size from {conversations}")

    exports.run(all_columns=True)

    assert exports.rows("select shoe_size from {conversations}") == [(42,)]


def test_a_column_that_the_app_lacks_is_null(
    source: Any, exports: Any, filled: Any
) -> None:
    source.run("alter table conversations drop title")

    code, _ = exports.run(tables="conversations")

    assert code == 0
    assert exports.rows("select title_bytes from {conversations}") == [(None,)]


def test_rows_that_a_policy_hides_are_an_error_and_not_left_out(
    cluster: Any, source: Any, exports: Any, filled: Any, monkeypatch: Any
) -> None:
    with cluster.admin() as admin:
        admin.execute("create role export_reader login password 'reader'")
    place = psycopg.conninfo.conninfo_to_dict(source.url)
    try:
        source.run("grant select on all tables in schema public to export_reader")
        source.run("create policy few on messages for select using (role = 'system')")
        monkeypatch.setenv(
            "DATABASE_REPLICA_URL",
            f"postgresql://export_reader:reader@{place['host']}:{place['port']}"
            f"/{place['dbname']}",
        )

        code, report = exports.run()

        assert code == 3
        assert "row-level security" in report["checks"][-1]["title"]
        assert not (exports.folder / "manifest.json").exists()
    finally:
        with cluster.admin(str(place["dbname"])) as admin:
            admin.execute("drop owned by export_reader")
            admin.execute("drop role export_reader")


def test_a_second_export_at_the_same_time_is_refused(
    source: Any, exports: Any, filled: Any
) -> None:
    from deploy.database import connect
    from deploy.export.source import EXPORT

    with connect(source.url) as other:
        other.execute("select pg_advisory_lock(%s, %s)", EXPORT.key)

        code, _ = exports.run()

    assert code == 75


def test_another_key_is_refused_and_a_full_export_takes_it(
    exports: Any, filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.run()
    old = exports.rows("select distinct user_id from {messages}")
    monkeypatch.setenv("KILOSCALE_EXPORT_KEY", "k" * 40)

    refused, _ = exports.run()
    full, _ = exports.run(full=True, tables="messages")

    assert (refused, full) == (2, 0)
    new = exports.rows("select distinct user_id from {messages}")
    assert new != old
    assert exports.rows("select user_id from {conversations}") == new


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_database_without_the_tables_is_refused(
    exports, scratch_url, monkeypatch, dry_run
):
    monkeypatch.setenv("DATABASE_REPLICA_URL", scratch_url)

    code, report = exports.run(dry_run=dry_run)

    assert code == 2
    assert "none of the tables" in report["checks"][-1]["title"]
    assert not (exports.folder / "manifest.json").exists()
