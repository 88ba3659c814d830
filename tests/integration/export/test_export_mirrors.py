"""An export has each row of the database once, whatever happened meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from deploy.errors import DeployError
from deploy.export.folder import Folder

pytestmark = pytest.mark.integration

SEPTEMBER = "messages/month=2026-09-01/messages.parquet"
OCTOBER = "messages/month=2026-10-01/messages.parquet"


def by_path(exports: Any) -> dict[str, str]:
    files = exports.manifest()["tables"]["messages"]["files"]
    return {file["path"]: file["sha256"] for file in files}


def test_rows_stand_in_the_file_of_their_utc_month(exports: Any, filled: Any) -> None:
    code, report = exports.run()

    assert code == 0
    assert report["changed"]
    assert exports.rows(
        "select month::varchar, count(*) from {messages} group by 1 order by 1"
    ) == [("2026-09-01", 1), ("2026-10-01", 2)]
    assert exports.ids() == filled()


def test_a_row_that_was_committed_late_is_not_missed(
    source: Any, exports: Any, filled: Any
) -> None:
    chat = source.value("select id from conversations")
    with psycopg.connect(source.url) as late:
        late.execute(
            "insert into messages (chat_id, role, text, created_at)"
            " values (%s, 'user', '', '2026-09-10')",
            (chat,),
        )
        source.say(chat, "2026-10-21Z")
        exports.run()
        assert len(exports.ids()) == 4
        late.commit()

    exports.run()

    assert exports.ids() == filled()
    assert len(exports.ids()) == 5


def test_only_the_month_that_changed_is_written(
    source: Any, exports: Any, filled: Any
) -> None:
    exports.run()
    before = by_path(exports)
    touched = (exports.folder / SEPTEMBER).stat().st_mtime_ns
    source.run("update messages set status = 'failed' where created_at > '2026-10-02'")

    _, report = exports.run()

    after = by_path(exports)
    assert (exports.folder / SEPTEMBER).stat().st_mtime_ns == touched
    assert after[SEPTEMBER] == before[SEPTEMBER]
    assert after[OCTOBER] != before[OCTOBER]
    assert exports.rows("select count(*) from {messages} where status = 'failed'") == [
        (1,)
    ]
    assert [c["title"] for c in report["checks"] if c["id"] == "read.messages"] == [
        "3 rows; 2 in 1 of 2 files"
    ]


def test_what_moves_to_the_archive_is_there_once(
    source: Any, exports: Any, filled: Any
) -> None:
    exports.run()
    source.run(
        "with gone as (delete from messages where created_at < '2026-10-02'"
        " returning *) insert into kiloscale.messages_archive"
        " (id, chat_id, role, text, created_at,"
        " meta, status, user_id) select id, chat_id, role, text, created_at, meta,"
        " status, user_id from gone"
    )

    exports.run()

    assert exports.ids() == filled()
    assert len(exports.ids()) == 3


def test_a_deleted_user_is_in_no_file(
    source: Any, exports: Any, filled: Callable[[], list[str]], user: UUID
) -> None:
    other = source.chat(uuid4())
    source.say(other, "2026-10-05Z")
    exports.run()
    shown = exports.rows("select distinct user_id from {messages}")
    source.run("delete from auth.users where id = %s", user)

    code, _ = exports.run()

    assert code == 0
    assert len(shown) == 2
    assert not (exports.folder / SEPTEMBER).parent.exists()
    assert exports.ids() == filled()
    assert exports.rows("select count(*) from {conversations}") == [(1,)]


def test_a_second_export_changes_nothing(exports: Any, filled: Any) -> None:
    exports.run()

    code, report = exports.run()

    assert (code, report["changed"]) == (0, False)


def test_a_lost_file_is_written_again(exports: Any, filled: Any) -> None:
    exports.run()
    (exports.folder / OCTOBER).unlink()

    exports.run()

    assert exports.ids() == filled()


def test_an_export_that_ends_half_way_is_finished_by_the_next(
    source: Any, exports: Any, filled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.run()
    source.run("update messages set status = 'failed'")
    put = Folder.put

    def refusing(self: Folder, path: str, staged: Path, sha256: str) -> None:
        if path == OCTOBER:
            raise DeployError("refused for this test")
        put(self, path, staged, sha256)

    monkeypatch.setattr(Folder, "put", refusing)
    code, _ = exports.run()
    assert code == 5
    assert (exports.folder / "publishing.json").exists()
    assert exports.ids() == filled()  # an old month and a new one, each row once
    # The database is as it was at the first export; only the marker tells.
    monkeypatch.undo()
    monkeypatch.setenv("DATABASE_REPLICA_URL", source.url)
    monkeypatch.setenv("KILOSCALE_STATE", str(exports.folder.parent / "state"))
    source.run("update messages set status = 'complete'")

    code, report = exports.run(tables="feature_usage")

    assert code == 0
    assert not (exports.folder / "publishing.json").exists()
    assert exports.rows("select distinct status from {messages}") == [("complete",)]
    assert "read.messages" in {each["id"] for each in report["checks"]}


def test_logs_stay_when_retention_has_emptied_their_day(
    source: Any, exports: Any
) -> None:
    source.run(
        "insert into edge_function_logs (function_name, level, created_at) select 'f',"
        " 'info', now() + interval '1 hour' * n from generate_series(0, 47) n"
    )
    exports.run(tables="edge_function_logs")
    before = exports.rows("select count(*) from {edge_function_logs}")
    source.run(
        "delete from edge_function_logs where created_at > now() + interval '12h'"
    )

    code, _ = exports.run(tables="edge_function_logs")

    assert code == 0
    assert before == [(48,)]
    assert exports.rows("select count(*) from {edge_function_logs}") == before


def test_since_leaves_earlier_months_as_they_are(
    source: Any, exports: Any, filled: Any
) -> None:
    exports.run()
    source.run("update messages set status = 'failed'")

    exports.run(since="2026-10-15")

    assert exports.rows(
        "select month::varchar, status from {messages} group by all order by 1"
    ) == [("2026-09-01", "complete"), ("2026-10-01", "failed")]


def test_an_empty_database_is_exported(exports: Any) -> None:
    code, _ = exports.run()

    assert code == 0
    assert exports.rows("select count(*) from {conversations}") == [(0,)]


def test_a_dry_run_writes_nothing(exports: Any, filled: Any) -> None:
    code, report = exports.run(dry_run=True)

    looked = {each["id"]: each["evidence"] for each in report["checks"]}
    assert code == 0
    assert not report["changed"]
    assert not exports.folder.exists()
    assert looked["look.messages"]["rows_written"] == 3
