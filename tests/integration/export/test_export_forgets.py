"""``db.export --forget`` removes a user from the files."""

from typing import Any
from uuid import UUID, uuid4

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture
def other(source: Any) -> UUID:
    """Somebody else, with a message in the same month."""
    somebody = uuid4()
    source.say(source.chat(somebody), "2026-10-05Z")
    return somebody


def test_a_user_and_his_conversations_are_removed(
    source: Any, exports: Any, filled: Any, user: UUID, other: UUID
) -> None:
    chat = source.value("select id from conversations where user_id = %s", user)
    source.run(  # an answer names no user: only its conversation tells whose it is
        "insert into messages (chat_id, role, created_at) values (%s, 'assistant',"
        " '2026-10-06')",
        chat,
    )
    exports.run()
    assert len(exports.ids()) == 5

    code, report = exports.run(forget=str(user))

    found = {each["id"]: each for each in report["checks"]}
    assert code == 0
    assert found["forget.messages"]["evidence"]["rows"] == 4
    assert found["forget.database"]["status"] == "warn"
    assert len(exports.ids()) == 1
    assert exports.rows("select count(*) from {conversations}") == [(1,)]
    files = exports.manifest()["tables"]["messages"]["files"]
    assert sum(file["rows"] for file in files) == 1


def test_the_next_export_mirrors_the_database_again(
    source: Any, exports: Any, filled: Any, user: UUID, other: UUID
) -> None:
    exports.run()
    exports.run(forget=str(user))

    exports.run()

    assert exports.ids() == filled()


def test_a_dry_run_names_the_files_and_keeps_them(
    exports: Any, filled: Any, user: UUID
) -> None:
    exports.run()
    before = exports.manifest()

    _, report = exports.run(forget=str(user), dry_run=True)

    found = {each["id"]: each["evidence"] for each in report["checks"]}
    assert found["forget.messages"]["rows"] == 3
    assert exports.manifest() == before
    assert not (exports.folder / ".staging").exists()


def test_nobody_is_found_who_was_never_there(exports: Any, filled: Any) -> None:
    exports.run()

    code, report = exports.run(forget=str(uuid4()))

    assert (code, report["changed"]) == (0, False)
