import hashlib

import pytest

from deploy.errors import DeployError
from deploy.migrations import MigrationFilesError, discover
from deploy.paths import REPOSITORY

HEADER = """\
-- Does a thing.
--
-- Phase:     expand
-- Locks:     none
-- Reversal:  none
-- Follow-up: none

"""


@pytest.fixture
def folder(tmp_path):
    """A folder named migrations that `write` fills."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    return folder


def write(folder, **files):
    for name, body in files.items():
        (folder / name.replace("_sql", ".sql").lstrip("v")).write_text(HEADER + body)


def problems_of(folder):
    with pytest.raises(MigrationFilesError) as caught:
        discover(folder)
    return caught.value


def test_migrations_come_in_the_order_of_their_versions(folder):
    write(folder, v20250102000000_b_sql="select 2;", v20250101000000_c_sql="select 1;")

    found = discover(folder)

    assert [item.name for item in found] == ["c", "b"]
    assert found[0].version == "20250101000000"


def test_the_checksum_is_that_of_the_file_whatever_its_line_ends(folder):
    path = folder / "20250101000000_a.sql"
    path.write_bytes((HEADER + "select 1;\n").replace("\n", "\r\n").encode())

    expected = hashlib.sha256((HEADER + "select 1;\n").encode()).hexdigest()

    assert discover(folder)[0].checksum == expected


def test_names_that_the_supabase_cli_would_skip_are_refused_with_a_free_name(folder):
    write(folder, v20250101000000_a_sql="select 1;")
    (folder / "optimize_hot_queries.sql").write_text(HEADER + "select 1;")
    (folder / "20251107_Drop-Indexes.sql").write_text(HEADER + "select 1;")

    error = problems_of(folder)

    assert str(error) == (
        "migrations/: 2 problems in the files; no database was connected\n"
        "  20251107_Drop-Indexes.sql: not <14 digits>_<a-z, 0-9, _>.sql, so it would"
        " be skipped; rename it to 20251107000000_drop_indexes.sql\n"
        "  optimize_hot_queries.sql: not <14 digits>_<a-z, 0-9, _>.sql, so it would"
        " be skipped; rename it to 20251107000001_optimize_hot_queries.sql"
    )
    assert error.remedy == (
        "git mv migrations/20251107_Drop-Indexes.sql"
        " migrations/20251107000000_drop_indexes.sql && git mv"
        " migrations/optimize_hot_queries.sql"
        " migrations/20251107000001_optimize_hot_queries.sql"
    )


def test_a_version_that_stands_twice_is_refused(folder):
    write(folder, v20251107000000_a_sql="select 1;", v20251107000000_b_sql="select 1;")

    (problem,) = problems_of(folder).problems

    assert problem == (
        "20251107000000_b.sql: version 20251107000000 is also"
        " 20251107000000_a.sql's, so one of them would never run; rename it to"
        " 20251107000001_b.sql"
    )


def test_all_problems_of_all_files_are_listed_at_once(folder):
    write(
        folder,
        v20250101000000_a_sql="create tabel oops(;",
        v20250102000000_b_sql="create index concurrently i on t (x);",
        v20250103000000_c_sql="select 1; commit;",
        v20250104000000_d_sql="",
    )
    (folder / "20250105000000_e.sql").write_bytes(HEADER.encode() + b"select '\xff';")

    assert problems_of(folder).problems == [
        '20250101000000_a.sql:8: syntax error at or near "tabel": create tabel oops(;',
        (
            "20250102000000_b.sql:8: create index concurrently i on t (x): cannot run"
            " in a transaction; add `-- Transaction: none` to the header"
        ),
        (
            "20250103000000_c.sql:8: commit: the runner begins and commits; take this"
            " statement out"
        ),
        "20250104000000_d.sql: holds no statement",
        "20250105000000_e.sql: is not UTF-8",
    ]


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(DeployError, match="is not a folder"):
        discover(tmp_path / "migrations")


def test_our_own_migrations_are_sound():
    names = [item.name for item in discover(REPOSITORY / "migrations")]

    assert {
        "app_baseline",
        "optimize_hot_queries",
        "drop_redundant_indexes",
        "add_system_log_retention",
        "add_message_archival",
    } <= set(names)
