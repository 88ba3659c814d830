"""Whether there is something to restore from, before migrations change a database.

It passes only for what was seen. A backup that could not be looked for is a warning
with the reason: migrations run all the same, and the operator knows.
"""

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import TupleRow

from deploy.archiving import Archiver, archiver
from deploy.checklist import Result, Status
from deploy.database import explained, redact
from deploy.supabase import (
    API,
    TOKEN_VARIABLE,
    TOKENS_PAGE,
    ApiError,
    Backups,
    ManagementApi,
    project_ref,
)

FRESH = timedelta(hours=24)
"""A daily backup is not older."""

DUMP = "before-migrations.dump"
SCHEMAS = ("public", "kiloscale", "supabase_migrations")
"""What the migrations change."""

NO_BACKUP = "replicas and replication slots are no backups: they repeat each mistake"


def check(
    conn: psycopg.Connection[TupleRow],
    url: str,
    environ: Mapping[str, str],
    now: datetime,
    base: str = API,
) -> Result:
    """Look for a backup, by the way that this database has.

    Args:
        conn: A connection to the database.
        url: Its connection URL.
        environ: Environment variables; one of them may hold Supabase's token.
        now: Aware time.
        base: Where Supabase's Management API is.
    """
    ref = project_ref(url)
    if ref is None:
        with explained(conn, "looking at the WAL archive"):
            found = archiver(conn)
        return judge_archive(found, url, now)
    token = environ.get(TOKEN_VARIABLE, "").strip()
    evidence: dict[str, object] = {"project": ref}
    if not token:
        return _result(
            Status.WARN,
            f"could not be checked: {TOKEN_VARIABLE} is not set",
            evidence,
            f"export {TOKEN_VARIABLE}=...  # made at {TOKENS_PAGE}",
        )
    try:
        listed = ManagementApi(token, base).backups(ref)
    except ApiError as error:
        return _result(
            Status.WARN, f"could not be checked: {error}", evidence, error.remedy
        )
    return judge_project(listed, ref, url, now)


def judge_project(listed: Backups, ref: str, url: str, now: datetime) -> Result:
    """Judge what Supabase says of a project."""
    newest, until = listed.newest, listed.recoverable_until
    evidence: dict[str, object] = {
        "project": ref,
        "pitr_enabled": listed.pitr_enabled,
        "recoverable_until": until and until.isoformat(timespec="seconds"),
        "newest_backup_at": newest and newest.isoformat(timespec="seconds"),
        "backups": [
            {"status": one.status, "inserted_at": one.inserted_at.isoformat()}
            for one in listed.backups[:5]
        ],
    }
    if until and now - until <= FRESH:
        words = f"point-in-time recovery is on, up to {until:%Y-%m-%d %H:%M} UTC"
        if newest:
            words += f"; newest backup at {newest:%Y-%m-%d %H:%M} UTC"
        return _result(Status.PASS, words, evidence)
    if newest and now - newest <= FRESH:
        words = f"newest backup at {newest:%Y-%m-%d %H:%M} UTC"
        return _result(Status.PASS, words, evidence)
    last = (
        f"the newest is of {newest:%Y-%m-%d %H:%M} UTC" if newest else "there is none"
    )
    return _result(
        Status.WARN, f"no backup is newer than 24 h: {last}", evidence, dump(url)
    )


def judge_archive(found: Archiver, url: str, now: datetime) -> Result:
    """Judge what a server says of its WAL archive."""
    evidence: dict[str, object] = {
        name: value.isoformat(timespec="seconds")
        if isinstance(value, datetime)
        else value
        for name, value in asdict(found).items()
    }
    last = found.last_archived_time
    if found.mode == "off" or not found.has_target:
        setting = "archive_mode is off" if found.mode == "off" else "no archive_command"
        words = f"no backup was seen: {setting}"
        if found.replicas or found.slots:
            words += f"; {NO_BACKUP}"
    elif found.is_failing:
        words = (
            f"the WAL archive fails: {found.last_failed_wal} at"
            f" {found.last_failed_time:%Y-%m-%d %H:%M} UTC,"
            f" {found.failed_count} failures"
        )
    elif last is None or now - last > FRESH:
        when = f"last at {last:%Y-%m-%d %H:%M} UTC" if last else "never"
        words = f"nothing was archived in 24 h: {when}"
    else:
        return _result(
            Status.PASS,
            f"WAL is archived, last at {last:%Y-%m-%d %H:%M} UTC; the base backup that"
            " it needs cannot be seen over SQL",
            evidence,
        )
    return _result(Status.WARN, words, evidence, dump(url))


def dump(url: str) -> str:
    """Give the command that makes a backup; it asks for the password.

    >>> dump("postgresql://app:secret@db.example/app").split()[-1]
    '--dbname=postgresql://app@db.example:5432/app'
    """
    schemas = " ".join(f"--schema={name}" for name in SCHEMAS)
    return (
        f"pg_dump --format=custom {schemas} --file={DUMP}"
        f" --dbname={shlex.quote(redact(url))}"
    )


def _result(
    status: Status,
    words: str,
    evidence: Mapping[str, object],
    remedy: str | None = None,
) -> Result:
    return Result(
        id="backup.restorable",
        title=words,
        status=status,
        evidence=evidence,
        remedy=remedy,
    )
