"""The steps of the archival tasks on a database: empty, filled, not migrated."""

from uuid import uuid4

import pytest

from deploy.archival import deleting
from deploy.archival.marking import archiving, showing
from deploy.archival.moving import moving
from deploy.archival.restoring import restoring
from deploy.checklist import Status
from deploy.database import connect
from deploy.deployment import Deployment
from deploy.errors import (
    DeployError,
    ExitCode,
    InterruptedRunError,
    LockedError,
    UsageError,
)

pytestmark = pytest.mark.integration

FILL = """
with one as (
    insert into auth.users (id, email) values (gen_random_uuid(), 'a@example.test')
    returning id
), chat as (
    insert into conversations (user_id) select id from one, generate_series(1, 20)
    returning id
)
insert into messages (chat_id, role, created_at)
select chat.id, 'user', now() - interval '1 year' + n * interval '1 minute'
  from chat, generate_series(1, 110) n
"""
SLOW = """
create function slow() returns trigger language plpgsql as
    $$ begin perform pg_sleep(0.06); return null; end $$;
create trigger slow after insert on kiloscale.messages_archive execute function slow()
"""


@pytest.fixture
def act(monkeypatch):
    """Runs a step on a database; gives its results."""

    def act(database, step, *, dry_run=False, progress=lambda _: None):
        monkeypatch.setattr(Deployment, "database_url", lambda _: database.url)
        deployment = Deployment(stack="local", progress=progress, dry_run=dry_run)
        return list(step.run(deployment))

    return act


def test_on_an_empty_database_every_task_says_that_nothing_was_to_do(app, act):
    (archived,) = act(app, archiving(6, 100))
    (moved,) = act(app, moving())
    counts, *_ = act(app, showing())
    found = deleting.foretell(Deployment(stack="local", progress=str), 6)
    (deleted,) = act(app, deleting.deleting(6, found))

    assert archived.title.startswith("archived 0 messages of 0 conversations")
    assert moved.title.startswith("moved 0 messages")
    assert counts.title.startswith("0 archived of about 0: 0 in place, 0 moved")
    assert deleted.title.startswith("nothing to delete: 0 of 0 messages")
    assert not any(each.changed for each in (archived, moved, deleted))


def test_a_dry_run_foretells_what_the_run_then_does(app, act):
    app.run(FILL)
    chat = app.value("select id from conversations limit 1")
    (foretold,) = act(app, archiving(6, 100), dry_run=True)
    (done,) = act(app, archiving(6, 100))
    (would_move,) = act(app, moving(), dry_run=True)
    (moved,) = act(app, moving())
    (would_restore,) = act(app, restoring(chat, hold=True), dry_run=True)
    (restored,) = act(app, restoring(chat, hold=True))

    assert foretold.title.startswith("would archive 200 messages of 20 conversations")
    assert done.title.startswith("archived 200 messages of 20 conversations in")
    assert would_move.title.startswith("would move 200 messages to")
    assert moved.title.startswith("moved 200 messages in")
    assert would_restore.title.startswith(
        "would make 10 messages active again: 10 come back from the archive"
    )
    assert restored.title.startswith("10 messages are active again, 10 of them came")
    assert [foretold.planned, done.planned, done.changed] == [True, False, True]
    assert done.evidence["wal_bytes"] > 0
    assert app.value("select count(*) from kiloscale.messages_archive") == 190
    assert app.hot(chat) == 110


def test_a_hard_delete_takes_what_was_foretold(app, act):
    app.run(FILL)
    act(app, archiving(6, 100))
    act(app, moving())
    app.run(
        "update kiloscale.messages_archive set moved_at = now() - interval '1 year'"
    )
    found = deleting.foretell(Deployment(stack="local", progress=str), 6)

    (would,) = act(app, deleting.deleting(6, found), dry_run=True)
    (done,) = act(app, deleting.deleting(6, found))

    assert would.title.startswith(
        "would delete for good: 200 of 200 messages in the archive, of 20 conversations"
    )
    assert done.title.startswith("deleted 200 messages for good in")
    assert app.value("select count(*) from kiloscale.messages_archive") == 0


def test_an_interrupted_run_ends_on_the_server_and_says_what_is_kept(app, act):
    app.run(FILL)
    act(app, archiving(6, 100))
    app.run(SLOW)

    def interrupt(said):
        if not said.startswith("0 ") and "messages moved" in said:
            raise KeyboardInterrupt

    deployment = Deployment(stack="local", progress=interrupt)
    results = []
    with pytest.raises(InterruptedRunError) as caught:
        results.extend(moving().run(deployment))

    kept = app.value("select count(*) from kiloscale.messages_archive")
    error = "select error from kiloscale.run_log order by id desc limit 1"
    assert 0 < kept < 200
    assert f"the server has ended too: {kept} messages moved in" in str(caught.value)
    assert caught.value.exit_code is ExitCode.INTERRUPTED
    assert [result.changed for result in results] == [True]
    assert app.value(error) == "57014 canceling statement due to user request"
    assert app.value("select count(*) from pg_locks where locktype = 'advisory'") == 0


def test_a_reclaim_that_is_refused_moves_nothing(app, act):
    app.run(FILL)
    act(app, archiving(6, 100))
    app.run(
        "create table shares (note text, message_id uuid references messages);"
        "insert into shares select repeat('x', 100) from generate_series(1, 9000)"
    )

    (result,) = act(app, moving())

    assert result.status is Status.FAIL
    assert result.remedy == "create index concurrently on public.shares (message_id);"
    assert app.value("select count(*) from kiloscale.messages_archive") == 0


def test_a_conversation_that_does_not_exist_is_an_error_of_usage(app, act):
    with pytest.raises(UsageError, match="nothing was changed"):
        act(app, restoring(uuid4(), hold=True))


@pytest.mark.parametrize("step", [archiving(6, 100), moving(), showing()])
def test_a_database_without_the_migrations_is_told_with_the_command(empty, act, step):
    with pytest.raises(DeployError, match="the migrations are not applied") as caught:
        act(empty, step)

    assert caught.value.remedy == "./bootstrap deploy --only migrations"


def test_a_run_that_others_keep_from_beginning_is_asked_for_as_it_was(app, act):
    with connect(app.url, autocommit=False) as other:
        other.execute("select kiloscale.take_job_lock('archive-old-messages', false)")

        with pytest.raises(LockedError) as caught:
            act(app, archiving(24, 300))

    assert caught.value.remedy == (
        "wait for it, then ./bootstrap db.archive --months 24 --keep 300"
    )
