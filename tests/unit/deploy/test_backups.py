"""What counts as something to restore from, and what is only said."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from deploy.archiving import Archiver
from deploy.backups import dump, judge_archive, judge_project
from deploy.checklist import Status
from deploy.supabase import Backups, ManagementApi, project_ref

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
URL = "postgresql://app:secret@db.example/app"
DUMP = (
    "pg_dump --format=custom --schema=public --schema=kiloscale"
    " --schema=supabase_migrations --file=before-migrations.dump"
    " --dbname=postgresql://app@db.example:5432/app"
)


def project(*backups, pitr=False, window=None):
    """Judge an answer of the API in the form that a live project gave."""
    document = {
        "region": "us-east-2",
        "walg_enabled": True,
        "pitr_enabled": pitr,
        "backups": [
            {
                "id": number,
                "status": status,
                "inserted_at": at,
                "is_physical_backup": True,
            }
            for number, (status, at) in enumerate(backups)
        ],
        "physical_backup_data": window or {},
    }
    listed = msgspec.json.decode(msgspec.json.encode(document), type=Backups)
    return judge_project(listed, "abc", URL, NOW)


def test_a_backup_of_last_night_is_enough():
    result = project(
        ("COMPLETED", "2026-11-22T04:25:10.748Z"),
        ("COMPLETED", "2026-11-23T04:25:10.748Z"),
    )

    assert (result.status, result.remedy) == (Status.PASS, None)
    assert result.title == "newest backup at 2026-11-23 04:25 UTC"


@pytest.mark.parametrize(
    ("backups", "words"),
    [
        ((), "there is none"),
        (
            (("COMPLETED", "2026-11-20T04:25:10Z"),),
            "the newest is of 2026-11-20 04:25 UTC",
        ),
        ((("FAILED", "2026-11-23T04:25:10Z"),), "there is none"),
        ((("PENDING", "2026-11-23T11:59:00Z"),), "there is none"),
    ],
)
def test_an_old_or_unfinished_backup_warns_and_says_how_to_make_one(backups, words):
    result = project(*backups)

    assert (result.status, result.remedy) == (Status.WARN, DUMP)
    assert result.title == f"no backup is newer than 24 h: {words}"


def test_point_in_time_recovery_needs_a_window_that_reaches_today():
    fresh = {"latest_physical_backup_date_unix": NOW.timestamp() - 120}
    stale = {"latest_physical_backup_date_unix": NOW.timestamp() - 90_000}

    on = project(pitr=True, window=fresh)

    assert (on.status, on.title) == (
        Status.PASS,
        "point-in-time recovery is on, up to 2026-11-23 11:58 UTC",
    )
    assert project(pitr=True, window=stale).status is Status.WARN
    assert project(pitr=True).status is Status.WARN
    assert project(pitr=False, window=fresh).status is Status.WARN


def archive(**changes):
    values = {
        "mode": "on",
        "has_target": True,
        "last_archived_wal": "000000010000000000000009",
        "last_archived_time": NOW - timedelta(minutes=5),
        "archived_count": 9,
        "last_failed_wal": None,
        "last_failed_time": None,
        "failed_count": 0,
        "replicas": 0,
        "slots": 0,
    }
    return judge_archive(Archiver(**values | changes), URL, NOW)


def test_a_fresh_wal_archive_passes_and_says_what_it_does_not_show():
    result = archive(last_failed_time=NOW - timedelta(hours=1), failed_count=3)

    assert result.status is Status.PASS
    assert result.title == (
        "WAL is archived, last at 2026-11-23 11:55 UTC; the base backup that it needs"
        " cannot be seen over SQL"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mode": "off"}, "no backup was seen: archive_mode is off"),
        ({"has_target": False}, "no backup was seen: no archive_command"),
        (
            {"mode": "off", "replicas": 1},
            "archive_mode is off; replicas and replication slots are no backups",
        ),
        (
            {"last_failed_time": NOW, "last_failed_wal": "0A", "failed_count": 7},
            "the WAL archive fails: 0A at 2026-11-23 12:00 UTC, 7 failures",
        ),
        ({"last_archived_time": None}, "nothing was archived in 24 h: never"),
        (
            {"last_archived_time": NOW - timedelta(hours=25)},
            "nothing was archived in 24 h: last at 2026-11-22 11:00 UTC",
        ),
    ],
)
def test_an_archive_that_does_not_work_warns(changes, words):
    result = archive(**changes)

    assert (result.status, result.remedy) == (Status.WARN, DUMP)
    assert words in result.title


@pytest.mark.parametrize(
    ("url", "ref"),
    [
        (
            "postgresql://postgres:x@db.abcdefghij.supabase.co:5432/postgres",
            "abcdefghij",
        ),
        ("postgresql://postgres.abc:x@aws-0-eu-1.pooler.supabase.com:5432/p", "abc"),
        ("host=db.abc.supabase.co user=postgres", "abc"),
        ("postgresql://postgres.abc:x@db.example.com/postgres", None),
        ("postgresql://postgres:x@db.abc.supabase.co.evil.example/postgres", None),
        ("postgresql://postgres:x@127.0.0.1:5432/postgres", None),
        ("postgresql:///postgres", None),
    ],
)
def test_a_supabase_project_is_known_by_host_or_role(url, ref):
    assert project_ref(url) == ref


def test_the_dump_command_holds_no_password():
    assert dump(URL) == DUMP


def test_a_token_is_not_shown_with_its_client():
    assert "sbp_secret" not in repr(ManagementApi("sbp_secret"))
