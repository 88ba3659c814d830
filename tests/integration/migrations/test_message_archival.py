import random
from uuid import uuid4

import psycopg
import pytest

from deploy.database import connect
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration

MONTH = 30.5
RUN_LOG = (
    "select rows, batches, error, detail from kiloscale.run_log"
    " where job = %s order by id desc limit 1"
)


def archive(app):
    return app.rows("select * from archive_old_messages()")[0]


def ages(count, newest_days):
    return [newest_days + n * 0.01 for n in range(count)]


def test_of_an_inactive_conversation_all_but_the_newest_hundred_are_archived(app):
    chat = app.conversation(*ages(130, 7 * MONTH))

    assert archive(app) == (30, 1)
    assert app.hot(chat) == 100
    oldest_hot = app.value(
        "select max(substring(text from '[0-9.]+')::float) from active_messages"
    )
    assert oldest_hot == pytest.approx(ages(130, 7 * MONTH)[99])


@pytest.mark.parametrize(
    ("count", "newest_days", "active_days"),
    [
        (100, 7 * MONTH, None),  # nothing beyond the newest hundred
        (130, 5 * MONTH, None),  # active within six months
        (130, 7 * MONTH, 30),  # activity of another kind within six months
        (130, 5 * MONTH, 400),  # an activity row that the app forgot to keep
    ],
)
def test_what_is_recent_or_short_stays_hot(app, count, newest_days, active_days):
    chat = app.conversation(*ages(count, newest_days), active_days=active_days)

    assert archive(app) == (0, 0)
    assert app.hot(chat) == count


def test_a_conversation_without_an_activity_row_counts_by_its_messages(app):
    chat = app.conversation(*ages(101, 7 * MONTH))
    app.run("delete from conversation_activity")

    assert archive(app) == (1, 1)
    assert app.hot(chat) == 100


def test_six_months_are_a_calendar_span_to_the_second(app):
    inside, outside = (
        app.conversation(*ages(101, 400)),
        app.conversation(*ages(101, 400)),
    )
    app.run(
        "update conversation_activity set last_activity_at = now() - interval"
        " '6 months' + (case conversation_id when %s then interval '10 seconds'"
        " else interval '-1 second' end)",
        inside,
    )

    archive(app)

    assert (app.hot(inside), app.hot(outside)) == (101, 100)


def test_messages_of_one_instant_are_told_apart_by_their_ids(app):
    chat = app.conversation()
    app.run("update conversation_activity set last_activity_at = now() - interval '1y'")
    app.run(
        "insert into messages (chat_id, role, created_at)"
        " select %s, 'user', date '2020-01-01' from generate_series(1, 250)",
        chat,
    )

    assert archive(app) == (150, 1)
    assert app.hot(chat) == 100
    ids = [id for (id,) in app.rows("select id from messages order by id")]
    hot = {id for (id,) in app.rows("select id from active_messages")}
    assert hot == set(ids[150:])


def test_a_second_call_archives_nothing_and_says_so(app):
    app.conversation(*ages(130, 7 * MONTH))
    archive(app)

    assert archive(app) == (0, 0)


def test_a_conversation_that_goes_on_is_archived_further_and_counted_once(app):
    chat = app.conversation(*ages(130, 20 * MONTH))
    archive(app)
    app.run(
        "insert into messages (chat_id, role, created_at) select %s, 'user',"
        " now() - interval '8 months' + n * interval '1 minute'"
        " from generate_series(1, 40) n",
        chat,
    )

    assert archive(app) == (40, 1)
    assert app.hot(chat) == 100


def test_the_watermark_never_moves_back(app):
    chat = app.conversation(*ages(130, 7 * MONTH))
    archive(app)
    before = app.rows("select archived_through, archived_through_id from conversations")
    app.run(
        "delete from messages where id in (select id from active_messages"
        " order by created_at desc limit 20)"
    )

    assert archive(app) == (0, 0)
    assert before == app.rows(
        "select archived_through, archived_through_id from conversations"
    )
    assert app.hot(chat) == 80


def test_no_message_row_is_written(app):
    app.conversation(*ages(130, 7 * MONTH))
    before = app.rows("select id, xmin::text from messages order by id")

    archive(app)

    assert app.rows("select id, xmin::text from messages order by id") == before


def test_the_job_archives_what_the_function_would_in_committed_batches(app):
    source = random.Random(7)
    user = app.user()
    expected = expected_conversations = 0
    for _ in range(25):
        count = source.choice([1, 99, 100, 101, 150, 240])
        newest = source.choice([10, 150, 200, 500])
        app.conversation(*ages(count, newest), user=user)
        if newest > 190 and count > 100:
            expected += count - 100
            expected_conversations += 1
    preview = app.rows("select * from kiloscale.preview_archive_old_messages()")[0]

    app.run("call kiloscale.run_archive_old_messages(batch => 2)")

    rows, batches, error, detail = app.rows(RUN_LOG, "archive-old-messages")[0]
    assert expected > 0
    assert preview[1:3] == (expected_conversations, expected)
    assert (rows, error) == (expected, None)
    assert detail == {"conversations": expected_conversations}
    assert batches >= 3
    hot = app.value("select count(*) from active_messages")
    assert hot == app.value("select count(*) from messages") - expected
    assert archive(app) == (0, 0)


def test_the_stats_view_counts_what_is_below_the_watermark_or_moved(app):
    app.conversation(*ages(130, 7 * MONTH))
    app.conversation(*ages(20, 1))
    archive(app)
    app.run("analyze messages")
    query = (
        "select total_messages, active_messages, archived_messages,"
        " archived_in_place, archived_moved, conversations_archived"
        " from message_archival_stats"
    )
    before = app.rows(query)

    app.run("call kiloscale.reclaim_archived_messages()")

    assert before == [(150, 120, 30, 30, 0, 1)]
    assert app.rows(query) == [(150, 120, 30, 0, 30, 1)]


def test_restoring_brings_all_back_and_holds_against_the_next_run(app):
    chat, other = (
        app.conversation(*ages(130, 7 * MONTH)),
        app.conversation(*ages(110, 7 * MONTH)),
    )
    columns = "id, chat_id, role, text, created_at, meta, client_msg_id, status, mode"
    before = app.rows(f"select {columns} from messages order by id")
    archive(app)
    app.run("call kiloscale.reclaim_archived_messages()")
    in_table = app.value("select count(*) from messages")

    restored = app.rows("select * from restore_conversation(%s)", chat)
    again = archive(app)
    app.run("select * from restore_conversation(%s)", other)

    assert in_table == 200
    assert restored == [(30, 30)]
    assert app.hot(chat) == 130
    assert again == (0, 0)
    assert app.rows(f"select {columns} from messages order by id") == before
    assert app.value("select count(*) from kiloscale.messages_archive") == 0


def test_restoring_without_a_hold_lasts_until_the_next_run(app):
    chat = app.conversation(*ages(130, 7 * MONTH))
    archive(app)

    restored = app.rows("select * from restore_conversation(%s, hold => false)", chat)

    assert restored == [(30, 0)]
    assert archive(app) == (30, 1)


def test_restoring_a_conversation_that_does_not_exist_is_an_error(app):
    with pytest.raises(psycopg.errors.NoDataFound, match="does not exist"):
        app.run("select * from restore_conversation(%s)", uuid4())


def test_reclaim_moves_in_batches_and_keeps_what_a_memory_points_at(app):
    chat = app.conversation(*ages(350, 7 * MONTH))
    archive(app)
    app.run(
        "insert into user_memory (user_id, memory_text, memory_type, confidence_score,"
        " source_message_id) select user_id, 'x', 'fact', 0.9, m.id"
        " from conversations c, lateral (select id from messages where chat_id = c.id"
        " order by created_at limit 3) m"
    )
    links = "select source_message_id from user_memory order by 1"
    before = app.rows(links)
    preview = app.rows("select * from kiloscale.preview_reclaim_archived_messages()")

    app.run("call kiloscale.reclaim_archived_messages(batch_rows => 100)")

    assert preview[0][:3] == (247, 3, "public.user_memory.source_message_id")
    assert app.rows(RUN_LOG, "reclaim-archived-messages")[0][:3] == (247, 3, None)
    assert app.value("select count(*) from kiloscale.messages_archive") == 247
    assert app.rows(links) == before
    assert app.hot(chat) == 100
    app.run("call kiloscale.reclaim_archived_messages()")
    assert app.rows(RUN_LOG, "reclaim-archived-messages")[0][0] == 0


def test_reclaim_goes_past_the_conversations_that_one_step_locks(app):
    user = app.user()
    app.run(
        "insert into conversations (id, user_id, archived_through, archived_through_id)"
        " select gen_random_uuid(), %s, now(),"
        " 'ffffffff-ffff-ffff-ffff-ffffffffffff' from generate_series(1, 1100)",
        user,
    )
    app.run(
        "insert into messages (chat_id, role, created_at)"
        " select id, 'user', now() - interval '1 day' from conversations"
    )

    app.run("call kiloscale.reclaim_archived_messages()")

    assert app.value("select count(*) from messages") == 0
    assert app.value("select count(*) from kiloscale.messages_archive") == 1100


def test_reclaim_carries_columns_that_the_app_adds_later(existing):
    apply(existing.url, discover(REPOSITORY / "migrations"), str)
    archive(existing)
    existing.run("alter table messages add column tone text")
    existing.run("update messages set tone = 'warm'")
    chat = "00000000-0000-0000-0000-0000000000c1"
    before = existing.rows("select * from messages order by id")

    existing.run("call kiloscale.reclaim_archived_messages()")
    moved = existing.value(
        "select count(*) from kiloscale.messages_archive where tone = 'warm'"
    )
    existing.run("select * from restore_conversation(%s)", chat)

    assert moved == 30
    assert existing.rows("select * from messages order by id") == before


def test_hard_delete_reaches_only_what_was_moved_long_ago(app):
    app.conversation(*ages(130, 7 * MONTH))
    archive(app)
    app.run("call kiloscale.reclaim_archived_messages()")
    app.run(
        "update kiloscale.messages_archive set moved_at = now() - interval '13 months'"
        " where id in (select id from kiloscale.messages_archive limit 10)"
    )

    assert app.value("select hard_delete_archived_messages(24)") == 0
    assert app.value("select hard_delete_archived_messages(12)") == 10
    assert app.value("select count(*) from kiloscale.messages_archive") == 20
    log = app.rows(RUN_LOG, "hard_delete_archived_messages()")[0]
    assert (log[0], log[3]) == (10, {"months": 12})


@pytest.mark.parametrize("months", [0, -3, 5, 1201, None])
def test_hard_delete_has_a_floor(app, months):
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        app.run("select hard_delete_archived_messages(%s)", months)

    said = "null" if months is None else months
    assert caught.value.diag.message_primary == (
        f"months must be between 6 and 1200, got {said}"
    )


def test_two_runs_of_a_job_do_not_overlap(app):
    with connect(app.url, autocommit=False) as other:
        other.execute("select * from archive_old_messages()")

        with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
            app.run("call kiloscale.run_archive_old_messages()")

        pid = other.info.backend_pid
        other.rollback()
    assert caught.value.diag.message_primary == (
        f"job archive-old-messages is already running in backend {pid}"
    )
    app.run("call kiloscale.run_archive_old_messages()")


def test_a_failing_job_is_logged_committed_and_raised(app):
    for days in (200, 300):
        app.conversation(*ages(130, days))
    app.run(
        "create function fail() returns trigger language plpgsql as"
        " $$ begin if (select count(*) from kiloscale.messages_archive) > 15"
        " then raise exception 'disk on fire' using hint = 'run'; end if;"
        " return null; end $$;"
        " create trigger fail after insert on kiloscale.messages_archive"
        " execute function fail()"
    )
    archive(app)

    with pytest.raises(psycopg.errors.RaiseException) as caught:
        app.run("call kiloscale.reclaim_archived_messages(batch_rows => 10)")

    assert caught.value.diag.message_primary == "disk on fire"
    assert caught.value.diag.message_hint == "run"
    rows, batches, error, _ = app.rows(RUN_LOG, "reclaim-archived-messages")[0]
    assert (rows, batches, error) == (10, 1, "P0001 disk on fire")
    assert app.value("select count(*) from kiloscale.messages_archive") == 10
    assert app.value("select count(*) from pg_locks where locktype = 'advisory'") == 0


def test_a_job_stops_before_the_statement_timeout_and_says_so(app):
    for _ in range(3):
        app.conversation(*ages(110, 300))
    app.run("set statement_timeout = '1500ms'")
    app.run(
        "create function slow() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(0.3); return null; end $$;"
        " create trigger slow after insert on kiloscale.messages_archive"
        " execute function slow()"
    )
    archive(app)

    app.run("call kiloscale.reclaim_archived_messages(batch_rows => 5)")

    rows, batches, error, detail = app.rows(RUN_LOG, "reclaim-archived-messages")[0]
    assert (rows, error) == (5 * batches, None)
    assert 1 <= batches <= 4
    assert detail == {"stopped": "time budget used up"}


def test_a_job_that_is_cancelled_leaves_a_finished_row(app):
    app.conversation(*ages(110, 300))
    archive(app)
    app.run(
        "create function slow() returns trigger language plpgsql as"
        " $$ begin perform pg_sleep(5); return null; end $$;"
        " create trigger slow after insert on kiloscale.messages_archive"
        " execute function slow()"
    )
    app.run("set statement_timeout = '300ms'")

    with pytest.raises(psycopg.errors.QueryCanceled):
        app.run("call kiloscale.reclaim_archived_messages()")

    error, finished = app.rows(
        "select error, finished_at is not null from kiloscale.run_log"
        " where job = 'reclaim-archived-messages'"
    )[0]
    assert error == "57014 canceling statement due to statement timeout"
    assert finished
