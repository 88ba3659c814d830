"""The tasks of archival: what they refuse, what they ask, and what they say."""

from datetime import UTC, datetime

import psycopg
import pytest

from deploy import archival_commands, console, deployment
from deploy.archival import deleting, values
from deploy.archival.looking import ToDelete, ToMove
from deploy.archival.moving import _observations
from deploy.archival.running import Job, _failed
from deploy.checklist import Status
from deploy.commands import Output
from deploy.crons.state import RunLogRow
from deploy.deployment import Deployment
from deploy.errors import ExitCode, UsageError

WHEN = datetime(2026, 5, 26, tzinfo=UTC)
FOUND = ToDelete(
    moved_before=WHEN,
    rows_to_delete=1200,
    conversations=7,
    oldest_message=WHEN,
    newest_message=WHEN,
    archived_rows=5000,
)
JOB = Job(
    name="reclaim-archived-messages",
    statement="call p()",
    values=(),
    task="db.reclaim",
    noun="messages moved",
)


@pytest.fixture(autouse=True)
def stacks(monkeypatch):
    monkeypatch.setattr(deployment, "stack_names", lambda: ["local", "production"])


@pytest.fixture
def production():
    return Deployment(stack="production", progress=lambda _: None)


@pytest.mark.parametrize(
    "text", ["", "0", "1201", "-6", "6.5", "six", " 6", "6_0", "٦"]
)
def test_months_are_a_number_in_range_before_anything_is_touched(text, capsys):
    with pytest.raises(SystemExit) as ended:
        archival_commands.archive(
            "production", text, "100", Output(), dry_run=False, yes=True
        )

    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "--months must be a whole number between 1 and 1200" in said
    assert "nothing was changed" in said


@pytest.mark.parametrize("text", ["5", "1201", "x"])
def test_a_hard_delete_below_the_floor_is_refused(text, capsys):
    with pytest.raises(SystemExit) as ended:
        archival_commands.hard_delete(
            "production", text, "", Output(), dry_run=True, yes=False
        )

    assert ended.value.code == 2
    assert f"between 6 and 1200, got '{text}'" in " ".join(
        capsys.readouterr().err.split()
    )


def test_a_conversation_is_an_id():
    with pytest.raises(UsageError, match="must be the id of a conversation, a UUID"):
        values.conversation("the long one")


def test_archival_of_a_cloud_stack_asks_and_nobody_is_there(monkeypatch, capsys):
    monkeypatch.setattr(console, "asks", lambda: False)

    with pytest.raises(SystemExit) as ended:
        archival_commands.reclaim("production", Output(), dry_run=False, yes=False)

    assert ended.value.code == 2
    assert "--yes is missing; nothing was changed" in " ".join(
        capsys.readouterr().err.split()
    )


def test_yes_alone_does_not_delete_what_is_real(production):
    with pytest.raises(UsageError) as caught:
        deleting.confirm(production, FOUND, yes=True, rows=None)

    assert str(caught.value) == (
        "--yes is not enough to delete 1200 messages of stack production for good:"
        " --rows is missing; nothing was changed"
    )
    assert caught.value.remedy == (
        "./bootstrap db.hard-delete --dry-run --stack production, then --yes --rows"
        " 1200"
    )


def test_another_number_of_rows_than_agreed_deletes_nothing(production):
    with pytest.raises(UsageError, match="--rows 1199 is not what would be deleted"):
        deleting.confirm(production, FOUND, yes=True, rows=1199)

    deleting.confirm(production, FOUND, yes=True, rows=1200)


@pytest.mark.parametrize(
    ("answers", "refused"),
    [
        (["prod"], "'prod' is not 'production': nothing was changed"),
        (["production", "1201"], "'1201' is not '1200': nothing was changed"),
        (["production", ""], "'' is not '1200': nothing was changed"),
    ],
)
def test_a_person_types_the_stack_and_the_number(
    production, monkeypatch, answers, refused
):
    monkeypatch.setattr(console, "asks", lambda: True)
    monkeypatch.setattr(console, "ask", lambda _: answers.pop(0))

    with pytest.raises(UsageError) as caught:
        deleting.confirm(production, FOUND, yes=False, rows=None)

    assert str(caught.value) == refused


def test_the_number_may_be_typed_as_it_is_shown(production, monkeypatch):
    answers = ["production", "1,200"]
    monkeypatch.setattr(console, "asks", lambda: True)
    monkeypatch.setattr(console, "ask", lambda _: answers.pop(0))

    deleting.confirm(production, FOUND, yes=False, rows=None)

    assert answers == []


def test_what_has_no_index_stops_a_reclaim_with_the_statement_that_helps():
    found = ToMove(
        messages_to_move=1,
        kept_by_references=2,
        referencing_columns="public.a.x, public.b.y",
        archived_rows_estimate=0,
        reusable_bytes=1,
        without_index="public.a (x, y), public.b (y)",
        without_foreign_key="public.user_images.message_id",
        move_triggers="notify_app",
    )

    indexes, kept, unchecked, triggers = _observations(found)

    assert indexes.status is Status.FAIL
    assert indexes.remedy == "create index concurrently on public.a (x, y);"
    assert "2 archived messages stay" in kept.title
    assert "public.user_images.message_id: no foreign key" in unchecked.title
    assert "notify_app" in triggers.title


def test_a_failed_run_says_what_is_kept_and_how_to_go_on():
    logged = RunLogRow(
        id=1,
        job=JOB.name,
        started_at=WHEN,
        finished_at=WHEN,
        rows=8000,
        batches=4,
        error="53100 disk full",
        detail={},
    )

    error = _failed(JOB, psycopg.errors.DiskFull("disk full"), logged)

    assert str(error) == (
        "reclaim-archived-messages failed: disk full (SQLSTATE 53100); 8,000 messages"
        " moved in 4 committed batches are kept"
    )
    assert error.exit_code is ExitCode.FAILED
    assert error.remedy == "./bootstrap db.reclaim"


def test_a_run_beside_another_is_locked_and_changed_nothing():
    said = psycopg.errors.LockNotAvailable("job x is already running in backend 7")

    error = _failed(JOB, said, None)

    assert error.exit_code is ExitCode.LOCKED
    assert str(error) == "job x is already running in backend 7; nothing was changed"
