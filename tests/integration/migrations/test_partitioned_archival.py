"""The tests of archival and reclaim, on a table that is partitioned."""

from collections.abc import Iterator
from typing import Any

import pytest

from deploy.database import connect
from tests.conftest import copied
from tests.integration.migrations import test_message_archival
from tests.integration.migrations.conftest import Database
from tests.integration.migrations.conversion import partitioned_template

pytestmark = [pytest.mark.integration, pytest.mark.sweep]


@pytest.fixture(scope="session")
def template(cluster: Any) -> str:
    return partitioned_template(cluster, "partitioned_archive")


@pytest.fixture
def app(cluster: Any, template: str) -> Iterator[Database]:
    """In the place of the fixture that all those tests stand on."""
    with copied(cluster, template) as url, connect(url) as conn:
        yield Database(url, conn)


for name, value in vars(test_message_archival).items():
    if name.startswith("test_"):
        globals()[f"{name}_on_partitions"] = value


def test_the_sizes_of_all_partitions_are_counted(app):
    app.conversation(1, 2)
    app.run("analyze messages")  # autovacuum does this for partitions alone

    leaves = app.value(
        "select sum(pg_total_relation_size(relid))"
        " from pg_partition_tree('messages') where isleaf"
    )
    assert leaves > 0
    assert app.value("select messages_bytes from message_archival_stats") == leaves
    assert app.value("select total_messages from message_archival_stats") == 2


def test_what_is_referenced_is_not_moved_to_the_archive(app):
    chat = app.conversation(*range(300, 410))
    app.run(
        "insert into user_memory (user_id, source_message_id, memory_text, memory_type,"
        " confidence_score) select %s, id, 'm', 'fact', 0.9 from messages"
        " order by created_at limit 1",
        app.user(),
    )
    app.run("select * from archive_old_messages()")

    app.run("call kiloscale.reclaim_archived_messages()")

    assert app.value("select count(*) from kiloscale.messages_archive") == 9
    assert app.value("select count(source_message_id) from user_memory") == 1
    assert app.value("select count(*) from messages where chat_id = %s", chat) == 101
