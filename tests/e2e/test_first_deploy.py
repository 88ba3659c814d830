"""A stranger's first hour: deploy, verify, deploy again, break something, stop."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import as_cloud
import documented_api
import psycopg
import pytest
from path_of_an_image import App, other_png

from deploy.checklist import Status, run_steps
from deploy.cloud import functions
from deploy.local.edge.installing import missing
from deploy.local.facts import LocalStack
from deploy.paths import REPOSITORY
from deploy.smoke.image import BUCKET, png
from deploy.smoke.person import synthetic
from deploy.steps import cloud_functions, monitoring
from deploy.steps.functions import STEP as FUNCTIONS
from infra.catalog.cdn import EDGE_RULES
from infra.catalog.pg_crons import PG_CRON_JOBS
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES

pytestmark = pytest.mark.e2e

caller = documented_api.Caller()
document = documented_api.load(caller)

CONTRACT = ["task", "target", "status", "exit_code", "changed", "ms", "checks"]


@dataclass(frozen=True)
class Outcome:
    code: int
    report: dict[str, Any]
    err: str

    def status(self, check_id: str) -> str:
        return self.check(check_id)["status"]

    def check(self, check_id: str) -> dict[str, Any]:
        (found,) = [one for one in self.report["checks"] if one["id"] == check_id]
        return found

    def ids(self, *statuses: str) -> list[str]:
        checks = self.report["checks"]
        return [one["id"] for one in checks if one["status"] in statuses]


@dataclass(frozen=True)
class Shell:
    state: Path

    def run(self, *arguments: str) -> Outcome:
        done = subprocess.run(
            ["./bootstrap", *arguments, "--json"],
            cwd=REPOSITORY,
            env={**os.environ, "KILOSCALE_STATE": str(self.state)},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
        return Outcome(done.returncode, json.loads(done.stdout), done.stderr)

    def processes(self) -> list[str]:
        """Processes that hold the state folder in their command or environment."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes()
                environment = (entry / "environ").read_bytes()
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
            mine = int(entry.name) in (os.getpid(), os.getppid())
            if str(self.state).encode() in command + environment and not mine:
                found.append(command.replace(b"\0", b" ").decode())
        return found


@pytest.fixture(scope="module")
def shell() -> Iterator[Shell]:
    state = Path(tempfile.mkdtemp(prefix="ks-e2e-"))
    one = Shell(state / "state")
    try:
        yield one
    finally:
        one.run("local.reset", "--yes")
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture(scope="module")
def first(shell: Shell) -> Outcome:
    return shell.run("deploy")


def test_the_first_deploy_is_done_and_proves_the_path_of_a_message(first):
    assert (first.ids("fail"), first.code) == ([], 0), first.err
    assert first.report["changed"] is True
    assert first.status("functions.answered") == "pass"
    assert first.check("functions.limit")["evidence"]["refused"]["status"] == 429
    assert first.status("functions.remembered") == "pass"
    assert first.status("functions.removed") == "pass"


@pytest.fixture(scope="class")
def base_url(shell: Shell, first: Outcome) -> Iterator[str]:
    """The stable base of the functions, and a user who may call them."""
    facts = json.loads((shell.state / "stack.json").read_text())
    with (
        psycopg.connect(facts["database_url"], autocommit=True) as connection,
        synthetic(
            connection, facts["jwt_secret"], f"{facts['supabase_url']}/auth/v1"
        ) as person,
    ):
        internal_key = facts["internal_api_key"]
        caller.bearer = lambda path: (
            internal_key if path.endswith("health-check") else person.token
        )
        caller.chats = (person.quiet,)
        yield facts["supabase_url"]


class TestFunctionUrls:
    """A class, so that its user is removed before the stack is stopped."""

    # One operation each: pytest-xdist runs only one of several tests with one id.
    @document.include(path="/functions/v1/chat-send", method="POST").parametrize()
    @documented_api.bounded(5, covers=False)
    def test_a_message_is_answered_as_documented(self, case, base_url):
        case.call_and_validate(base_url=base_url)

    @document.include(path="/functions/v1/chat-history", method="GET").parametrize()
    @documented_api.bounded(5, covers=False)
    def test_history_is_answered_as_documented(self, case, base_url):
        case.call_and_validate(base_url=base_url)

    @document.include(path="/functions/v1/health-check", method="GET").parametrize()
    @documented_api.bounded(5, covers=False)
    def test_a_report_is_answered_as_documented(self, case, base_url):
        case.call_and_validate(base_url=base_url)


def test_an_alarm_and_each_rule_of_the_cdn_are_proved(first):
    assert first.status("alarms.fires") == first.status("alarms.recovers") == "pass"
    if missing():
        assert first.status("cdn.all") == "skipped"
        return
    hits = {f"cdn.hit-{rule.name}": "pass" for rule in EDGE_RULES}
    assert {check: first.status(check) for check in hits} == hits


def test_every_service_has_a_zip(first):
    for service in SERVICES:
        assert first.check(f"bundles.{service.name}")["evidence"]["bytes"] > 100_000


def test_the_report_keeps_its_contract(first):
    assert list(first.report) == CONTRACT
    for check in first.report["checks"]:
        assert list(check) == ["id", "title", "status", "evidence", "remedy", "ms"]


def test_no_secret_is_reported(shell, first):
    facts = json.loads((shell.state / "stack.json").read_text())
    names = ("jwt_secret", "internal_api_key", "secret_access_key")
    secrets = [facts[name] for name in names]
    secrets += [
        urlsplit(facts[name]).password for name in ("admin_url", "database_url")
    ]
    text = json.dumps(first.report) + first.err

    assert all(len(secret) >= 16 for secret in secrets)
    assert [secret for secret in secrets if secret in text] == []


def test_verify_crons_lists_every_declared_job(shell, first):
    verified = shell.run("verify-crons")

    assert verified.code in (0, 8), verified.report
    for job in PG_CRON_JOBS:
        assert verified.status(f"crons.{job.name}") in ("pass", "pending")
    for schedule in SCHEDULES:
        assert verified.status(f"schedules.{schedule.name}") in ("pass", "pending")


def test_the_declared_command_of_each_job_runs(shell, first):
    ran = shell.run("crons.run", "--job", "all")

    assert ran.code == 0, ran.report
    assert ran.ids("pass") == [f"crons.{job.name}" for job in PG_CRON_JOBS]


def test_a_cloud_stack_proves_its_functions_with_its_smoke_user(
    shell, first, tmp_path, monkeypatch
):
    facts = LocalStack.load(shell.state)
    user, own = uuid4(), uuid4()
    given = {"smokeUserId": user, "supabaseUrl": facts.supabase_url}
    cloud = as_cloud.deployment_of(facts, tmp_path, monkeypatch, **given)
    monkeypatch.setenv("KILOSCALE_JWT_SECRET", facts.jwt_secret)
    monkeypatch.setenv("KILOSCALE_INTERNAL_API_KEY", facts.internal_api_key)
    # The hosts of the URLs are the emulator's; all else is as on AWS.
    urls = functions.where(cloud)
    at_emulator = replace(urls, through=facts.emulator_url)
    monkeypatch.setattr(functions, "where", lambda _: at_emulator)
    with psycopg.connect(facts.database_url, autocommit=True) as connection:
        no_user = run_steps([FUNCTIONS], cloud, as_cloud.Mute())[0]
        connection.execute("insert into auth.users (id) values (%s)", (user,))
        connection.execute(
            "insert into public.conversations (id, user_id, title, mode)"
            " values (%s, %s, 'a talk', 'chat')",
            (own, user),
        )
        sent = list(cloud_functions.run(cloud))
        again = list(cloud_functions.run(cloud))
        left = connection.execute(
            "select id from public.conversations where user_id = %s", (user,)
        ).fetchall()
        connection.execute("delete from public.conversations where id = %s", (own,))
        connection.execute("delete from auth.users where id = %s", (user,))

    assert "is no user of this database" in no_user[-1].title
    assert [(each.id, each.status) for each in sent] == [
        (f"functions.{check}", Status.PASS)
        for check in (
            "bad-token", "bad-body", "accepted", "answered", "history", "removed",
        )
    ]  # fmt: skip
    assert again[-1].title.startswith("skipped: proved for these very versions at")
    assert left == [(own,)]
    assert facts.jwt_secret not in repr([*sent, *again])
    assert monitoring.health(cloud).status in (Status.PASS, Status.WARN)


@pytest.fixture(scope="class")
def app(shell: Shell, first: Outcome) -> Iterator[App]:
    """An app whose user's image was made smaller."""
    facts = LocalStack.load(shell.state)
    with psycopg.connect(facts.database_url, autocommit=True) as connection:
        app = App(facts, connection)
        app.upload(png())
        app.save()
        app.relay()
        app.wait()
        yield app
        app.leave()


class TestPathOfAnImage:
    """A class, so that its user is removed before the stack is stopped."""

    def test_a_row_of_an_image_names_a_webp_that_has_a_thumbnail(self, app):
        app.relay()  # a second sweep, and a second message, change nothing

        ((url, path),) = app.rows()
        assert path.startswith(f"{app.user}/a picture.ks")
        assert url.endswith(".webp")
        assert app.replaced() == 1
        assert len([each for each in app.forms() if each["thumbnail_side"]]) == 1

    @pytest.mark.skipif(missing() is not None, reason="the edge needs Node.js")
    def test_the_edge_keeps_an_image_until_it_is_purged(self, app, shell):
        ((smaller, _),) = app.rows()
        small, fills = app.ask_twice(smaller)
        before, _ = app.ask_twice(app.url)
        app.upload(other_png())
        kept, _ = app.ask_twice(app.url)
        purged = shell.run("cdn.purge", "--path", app.url)
        after, _ = app.ask_twice(app.url)

        assert (small[8:12], len(fills)) == (b"WEBP", 1)
        assert purged.code == 0, purged.report
        assert (before, kept, after) == (png(), png(), other_png())
        assert app.ask_twice(smaller)[0] == small

    def test_a_deletion_of_the_user_names_all_files_and_their_copies(self, app, shell):
        names = {f"{BUCKET}/{each['path']}" for each in app.forms()}
        deleted = shell.run("user.delete", "--user", str(app.user))

        assert deleted.code == 0, deleted.report
        listed = Path(deleted.check("user.files")["evidence"]["list"])
        assert set(json.loads(listed.read_text())) == names | {f"{BUCKET}/{app.name}"}
        assert str(listed) in deleted.check("user.copies")["remedy"]
        assert app.rows() == []
        assert app.replaced() == 0


def test_a_second_deploy_changes_nothing(shell, first):
    again = shell.run("deploy")

    assert (again.ids("fail"), again.code) == ([], 0)
    assert again.report["changed"] is False


def test_a_dry_run_would_change_nothing_after_a_deploy(shell, first):
    assert shell.run("deploy", "--check").code == 0


def test_a_plan_after_a_deploy_would_change_nothing(shell, first):
    plan = shell.run("plan", "--check")

    assert plan.code == 0
    assert plan.check("changes.since-last-deploy")["evidence"]["changes"] == []
    digest = plan.check("resources.declared")["evidence"]["digest"]
    assert first.check("infrastructure.resources")["evidence"]["declared"] == digest


def test_a_deploy_mends_an_emulator_that_lost_its_memory(shell, first):
    status = shell.run("local.status")
    os.kill(status.check("local.emulator")["evidence"]["pid"], signal.SIGKILL)

    mended = shell.run("deploy")

    assert (mended.ids("fail"), mended.code) == ([], 0), mended.report
    assert mended.report["changed"] is True


def test_stopping_leaves_no_process(shell, first):
    assert shell.processes() != []

    stopped = shell.run("local.stop")

    assert stopped.code == 0
    assert shell.processes() == []
