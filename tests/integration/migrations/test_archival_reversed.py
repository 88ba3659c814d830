"""The reversals of archival at scale and of partitions, as their headers say them."""

import re

import psycopg
import pytest

from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration

MIGRATIONS = REPOSITORY / "migrations"
DROPPED = """
drop procedure
    kiloscale.run_hard_delete_archived_messages(integer, integer, timestamptz);
drop trigger kiloscale_count_added on kiloscale.messages_archive;
drop trigger kiloscale_count_removed on kiloscale.messages_archive;
drop trigger kiloscale_count_none on kiloscale.messages_archive;
"""


def again(app, name: str) -> None:
    """Run a migration from its first `create or replace` on."""
    text = migration(name)
    app.run(text[text.index("create or replace") :])


def migration(name: str) -> str:
    [file] = MIGRATIONS.glob(f"*_{name}.sql")
    return file.read_text()


def test_archival_at_scale_is_reversed_as_its_header_says(app):
    app.conversation(*range(300, 410))

    app.run(DROPPED)
    again(app, "add_message_archival")
    again(app, "add_message_reclaim")
    app.run("drop table kiloscale.archive_counts")

    app.run("select * from archive_old_messages()")
    app.run("call kiloscale.reclaim_archived_messages()")
    assert app.value("select archived_messages from message_archival_stats") == 10


def test_partitions_are_reversed_as_their_header_says(app):
    created = re.findall(
        r"create or replace function kiloscale\.(\w+)\(",
        migration("partition_messages"),
    )

    for name in created:
        app.run(f"drop function kiloscale.{name}")
    app.run("drop table kiloscale.partitioning, kiloscale.message_changes")

    app.conversation(*range(300, 410))
    app.run("select * from archive_old_messages()")
    app.run("call kiloscale.reclaim_archived_messages()")
    assert app.value("select archived_moved from message_archival_stats") == 10


@pytest.mark.parametrize(("months", "keep"), [(0, 100), (6, 0), (-6, 100), (6, -1)])
def test_a_preview_of_archival_refuses_what_archival_refuses(app, months, keep):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="must be between"):
        app.run("select kiloscale.preview_archive_old_messages(%s, %s)", months, keep)
