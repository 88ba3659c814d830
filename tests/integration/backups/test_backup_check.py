"""The step ``backup`` against real servers: PostgreSQL, and one that speaks HTTP."""

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest

from deploy import backups
from deploy.checklist import Status
from deploy.database import connect
from deploy.deployment import DATABASE_VARIABLE, Deployment
from deploy.local import server
from deploy.local.ports import free_port
from deploy.local.processes import end
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from deploy.steps import backup, migrations

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
TOKEN = "sbp_a_token_of_the_tests"
PROJECT = "postgresql://postgres:secret@db.abcdefghij.supabase.co:5432/postgres"


class Api:
    """Answers like Supabase's Management API, to the one token and project."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.status = 200
        self.body: object = {
            "region": "eu-central-1",
            "walg_enabled": True,
            "pitr_enabled": False,
            "backups": [
                {
                    "id": 1545826964,
                    "inserted_at": (NOW - timedelta(hours=2)).isoformat(),
                    "is_physical_backup": True,
                    "status": "COMPLETED",
                }
            ],
            "physical_backup_data": {},
        }
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _handler(api) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - the class inside has self
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked.append((self.path, self.headers["authorization"]))
                self.send_response(api.status)
                self.end_headers()
                text = api.body if isinstance(api.body, str) else json.dumps(api.body)
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def api(monkeypatch) -> Iterator[Api]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    api = Api()
    thread = threading.Thread(target=api.server.serve_forever, args=(0.01,))
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


def ask(api: Api, token: str = TOKEN, base: str | None = None):
    """Check a Supabase project; its database itself is not asked."""
    environ = {"SUPABASE_ACCESS_TOKEN": token} if token else {}
    return backups.check(None, PROJECT, environ, NOW, base or api.url)


def test_supabase_is_asked_with_the_token_and_its_answer_is_judged(api):
    result = ask(api)

    assert api.asked == [
        ("/v1/projects/abcdefghij/database/backups", f"Bearer {TOKEN}")
    ]
    assert result.status is Status.PASS
    assert result.title.startswith("newest backup at 20")
    assert TOKEN not in json.dumps(result.as_json())


def test_without_a_token_nothing_is_asked_and_nothing_passes(api):
    result = ask(api, token="")

    assert (result.status, api.asked) == (Status.WARN, [])
    assert result.title == "could not be checked: SUPABASE_ACCESS_TOKEN is not set"
    assert result.remedy == (
        "export SUPABASE_ACCESS_TOKEN=..."
        "  # made at https://supabase.com/dashboard/account/tokens"
    )


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, "Unauthorized", "Supabase refused SUPABASE_ACCESS_TOKEN (HTTP 401)"),
        (403, "", "Supabase refused SUPABASE_ACCESS_TOKEN (HTTP 403)"),
        (404, "", "project abcdefghij is unknown to the account"),
        (500, "", "Supabase answered HTTP 500"),
        (302, "", "Supabase answered HTTP 302"),
        (200, "<html>", "answered in another form"),
        (200, {"backups": [], "pitr_enabled": "yes"}, "answered in another form"),
    ],
)
def test_what_is_no_answer_is_no_backup(api, status, body, words):
    api.status, api.body = status, body

    result = ask(api)

    assert result.status is Status.WARN
    assert result.title.startswith("could not be checked: ")
    assert words in result.title
    assert result.remedy
    assert TOKEN not in json.dumps(result.as_json())


def test_an_api_that_is_away_is_named(api):
    result = ask(api, base=f"http://127.0.0.1:{free_port()}")

    assert result.status is Status.WARN
    assert "cannot be reached: " in result.title


@pytest.mark.parametrize("token", ["sbp_one sbp_two", "sbp\nx: y", "sbp_ä"])
def test_what_cannot_be_a_token_is_not_sent_and_not_shown(api, token):
    result = ask(api, token=token)

    assert (result.status, api.asked) == (Status.WARN, [])
    assert token[:5] not in json.dumps(result.as_json(), ensure_ascii=False)


def run_step(url: str, monkeypatch, **changes) -> list:
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    values = {"stack": "production", "progress": lambda _: None, "dry_run": True}
    return list(backup.run(Deployment(**values | changes)))


def test_a_server_without_an_archive_warns_before_the_first_migration(
    scratch_url, monkeypatch
):
    (result,) = run_step(scratch_url, monkeypatch)

    assert (result.status, result.changed) == (Status.WARN, False)
    assert result.title == "no backup was seen: archive_mode is off"
    assert result.remedy.startswith("pg_dump --format=custom")
    password = psycopg.conninfo.conninfo_to_dict(scratch_url)["password"]
    assert password not in json.dumps(result.as_json())


@pytest.mark.parametrize("looked", [False, True])
def test_migrations_look_themselves_where_the_step_was_left_out(
    scratch_url, monkeypatch, looked
):
    monkeypatch.setenv(DATABASE_VARIABLE, scratch_url)
    deployment = Deployment(
        stack="production", progress=lambda _: None, looked_for_backup=looked
    )

    ids = [result.id for result in migrations.run(deployment)]

    assert ("migrations.backup" in ids, "migrations.history" in ids) == (
        not looked,
        True,
    )
    if not looked:
        applied = [name for name in ids if name.startswith("migrations.2")]
        assert ids.index("migrations.backup") < ids.index(applied[0])


def test_with_nothing_to_apply_nothing_is_looked_for(scratch_url, monkeypatch):
    apply(scratch_url, discover(REPOSITORY / "migrations"), lambda _: None)

    (result,) = run_step(scratch_url, monkeypatch, dry_run=False)

    assert (result.status, result.title) == (
        Status.PASS,
        "nothing to apply, so nothing to restore",
    )


def test_the_local_stack_is_skipped_with_the_reason(monkeypatch):
    (result,) = run_step("", monkeypatch, stack="local")

    assert result.status is Status.SKIPPED
    assert "is not production data" in result.title


@contextmanager
def archiving(cluster, folder) -> Iterator[str]:
    """A server that archives its WAL; gives the URL of its superuser."""
    port = free_port()
    archive = folder / "archive"
    (folder / "archiving").mkdir(mode=0o711)
    archive.mkdir()
    account = cluster.cluster.account
    if account:
        os.chown(archive, account.uid, account.gid)
    settings = {
        "archive_mode": "on",
        "archive_command": f"cp %p {archive}/%f # key-in-the-command",
    }
    another = replace(
        cluster.cluster,
        folder=folder / "archiving" / "postgres",
        port=port,
        log=folder / "archiving.log",
        settings=cluster.cluster.settings | settings,
        installation=replace(cluster.cluster.installation, has_cron=False),
    )
    url = cluster.admin_url.replace(f":{cluster.port}/", f":{port}/")
    process = server.launch(another, url)
    try:
        server.wait_ready(another, process, url)
        yield url
    finally:
        end(process, *server.SHUTDOWN)


def test_a_server_that_archives_its_wal_passes_and_keeps_its_command_secret(
    cluster, short_folder
):
    with archiving(cluster, short_folder) as url, connect(url) as conn:
        before = backups.check(conn, url, {}, datetime.now(UTC))
        conn.execute("create table changed ()")
        conn.execute("select pg_switch_wal()")
        deadline = time.monotonic() + 10
        while (found := backups.archiver(conn)).archived_count == 0:
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        after = backups.check(conn, url, {}, datetime.now(UTC))

    assert before.title == "nothing was archived in 24 h: never"
    assert after.status is Status.PASS
    assert after.title.startswith("WAL is archived, last at 20")
    assert "key-in-the-command" not in json.dumps(after.as_json())
