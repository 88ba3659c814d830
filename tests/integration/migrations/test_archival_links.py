"""What a move and a restore keep: links of every kind, columns, counts."""

import psycopg
import pytest

from deploy.database import connect
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration

DAYS = [200 + n * 0.01 for n in range(130)]
RUN_LOG = "select rows, error, detail from kiloscale.run_log where job = %s order by id"
RECLAIM = "call kiloscale.reclaim_archived_messages()"
STEP = (
    "select next, moved from kiloscale.reclaim_step(%s::jsonb, '{\"batch_rows\": 10}')"
)
COUNTS_ARE_EXACT = """
select coalesce(bool_and(k.moved = n.rows), true)
  from kiloscale.archive_counts k
  full join (select chat_id, count(*) as rows from kiloscale.messages_archive
              group by chat_id) n using (chat_id)
"""


@pytest.fixture
def chat(app):
    """A conversation of 130 messages, 30 of them archived."""
    chat = app.conversation(*DAYS)
    app.run("select archive_old_messages()")
    return chat


def archived(app, chat):
    """Ids of what is below the watermark, oldest first."""
    return [
        id
        for (id,) in app.rows(
            "select m.id from messages m join conversations c on c.id = m.chat_id"
            " where c.id = %s and (m.created_at, m.id)"
            " <= (c.archived_through, c.archived_through_id) order by m.created_at",
            chat,
        )
    ]


def moved(app):
    return app.value("select count(*) from kiloscale.messages_archive")


def test_a_reference_of_several_columns_keeps_its_message(app, chat):
    app.run("create unique index on messages (chat_id, id)")
    app.run(
        "create table pins (chat uuid, message uuid, foreign key (chat, message)"
        " references messages (chat_id, id) on delete cascade)"
    )
    ids = archived(app, chat)
    app.run("insert into pins values (%s, %s), (%s, null)", chat, ids[3], chat)

    app.run(RECLAIM)

    assert moved(app) == 29
    assert app.value("select count(*) from pins") == 2


def test_rows_of_a_partitioned_table_keep_their_messages(app, chat):
    app.run(
        "create table seen (day date, message_id uuid references messages"
        " on delete set null) partition by range (day);"
        "create table seen_1 partition of seen for values from ('2020-01-01') to"
        " ('2021-01-01'); create table seen_2 partition of seen default;"
        "create index on seen (message_id)"
    )
    ids = archived(app, chat)
    app.run("insert into seen values ('2020-05-01', %s), (now(), %s)", ids[0], ids[1])

    app.run(RECLAIM)

    assert moved(app) == 28
    assert app.value("select count(message_id) from seen") == 2


def test_an_answer_goes_with_what_it_answers_and_both_come_back(app, chat):
    app.run(
        "alter table messages add reply_to uuid references messages on delete set null;"
        "create index on messages (reply_to)"
    )
    ids = archived(app, chat)
    newest = app.value("select id from active_messages order by created_at limit 1")
    link = "update messages set reply_to = %s where id = %s"
    app.run(link, ids[4], ids[9])  # both archived
    app.run(link, ids[9], ids[12])
    app.run(link, ids[2], newest)  # the answer stays, and so must ids[2]
    app.run(link, ids[7], ids[7])  # to itself
    before = app.rows("select id, reply_to from messages order by id")

    app.run(RECLAIM)
    kept = archived(app, chat)
    app.run("select restore_conversation(%s)", chat)

    assert kept == [ids[2]]
    assert app.rows("select id, reply_to from messages order by id") == before


def test_a_large_table_without_an_index_is_refused_with_the_remedy(app, chat):
    app.run(
        "create table shares (note text, message_id uuid references messages);"
        "insert into shares select repeat('x', 100) from generate_series(1, 9000)"
    )

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as caught:
        app.run(RECLAIM)

    said = caught.value.diag
    assert said.message_primary.startswith(
        "public.shares (message_id) references messages and has no index: each message"
        " that is moved would scan 1"
    )
    assert said.message_hint == (
        "create index concurrently on public.shares (message_id);"
    )
    assert moved(app) == 0
    app.run("create index on shares (message_id)")
    app.run(RECLAIM)
    assert moved(app) == 30


def test_a_foreign_key_made_between_two_batches_counts_in_the_next(app, chat):
    state, first = app.rows(STEP, "{}")[0]
    left = archived(app, chat)
    app.run("create table late (message_id uuid references messages on delete cascade)")
    app.run("insert into late values (%s)", left[-1])

    while state is not None:
        (state, _), *_ = app.rows(STEP, psycopg.types.json.Json(state))

    assert first == 10
    assert archived(app, chat) == [left[-1]]
    assert app.value("select count(*) from late") == 1


def test_a_reference_that_is_not_committed_yet_keeps_its_message(app, chat):
    ids = archived(app, chat)
    app.run("create table late (message_id uuid references messages on delete cascade)")
    with connect(app.url, autocommit=False) as other:
        other.execute("insert into late values (%s)", [ids[5]])
        app.run(RECLAIM)
        other.commit()

    app.run(RECLAIM)

    assert archived(app, chat) == [ids[5]]
    assert app.value("select count(*) from late") == 1


def test_a_reference_to_a_message_on_the_move_waits_and_does_not_slip_in(app, chat):
    ids = archived(app, chat)
    app.run("create table late (message_id uuid references messages on delete cascade)")
    with connect(app.url, autocommit=False) as other:
        other.execute(STEP, ["{}"])
        gone = other.execute("select id from kiloscale.messages_archive").fetchone()
        app.run("set lock_timeout = '50ms'")

        with pytest.raises(psycopg.errors.LockNotAvailable):
            app.run("insert into late values (%s)", gone[0])

        other.commit()
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        app.run("insert into late values (%s)", gone[0])
    assert gone[0] in ids


def test_a_reclaim_that_could_not_see_new_references_is_refused(app, chat):
    app.run("set default_transaction_isolation = 'repeatable read'")

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState) as caught:
        app.run(RECLAIM)

    assert "needs read committed" in caught.value.diag.message_primary


def test_messages_in_partitions_are_moved_by_their_ids(app, chat):
    app.run(
        "alter table messages rename to messages_plain;"
        "create table messages (like messages_plain including defaults,"
        " primary key (chat_id, id)) partition by hash (chat_id);"
        "create table messages_0 partition of messages for values with (modulus 2,"
        " remainder 0); create table messages_1 partition of messages for values with"
        " (modulus 2, remainder 1); insert into messages select * from messages_plain"
    )

    app.run(RECLAIM)

    assert moved(app) == 30
    assert app.value("select count(*) from messages") == 100


def test_a_deleted_parent_of_a_moved_message_counts_at_its_restore(app, chat):
    app.run(
        "create table bots (id int primary key);"
        "insert into bots values (1), (2), (3);"
        "alter table messages add bot int references bots on delete set null,"
        " add owner int references bots on delete cascade"
    )
    ids = archived(app, chat)
    app.run("update messages set bot = 1, owner = 2 where id = %s", ids[0])
    app.run("update messages set bot = 2, owner = 3 where id = %s", ids[1])
    app.run(RECLAIM)
    app.run("delete from bots where id in (1, 3)")

    restored = app.rows("select * from restore_conversation(%s)", chat)

    assert restored == [(29, 29)]
    assert app.rows("select bot, owner from messages where owner is not null") == [
        (None, 2)
    ]
    assert app.value("select count(*) from messages where id = %s", ids[1]) == 0
    log = app.rows(RUN_LOG, "restore_conversation()")[0]
    assert log == (29, None, {"moved_back": 29, "given_up": 1})


def test_a_message_sent_again_meanwhile_is_neither_doubled_nor_lost(app, chat):
    retried, *_ = archived(app, chat)
    again = "gen_random_uuid(), chat_id, role, text, now(), client_msg_id"
    app.run("update messages set client_msg_id = id where id = %s", retried)
    app.run(RECLAIM)
    app.run(
        "insert into messages (id, chat_id, role, text, created_at, client_msg_id)"
        f" select {again} from kiloscale.messages_archive where id = %s",
        retried,
    )
    said = []
    app.conn.add_notice_handler(lambda notice: said.append(notice.message_primary))

    restored = app.rows("select * from restore_conversation(%s)", chat)

    assert restored == [(29, 29)]
    assert app.rows("select id from kiloscale.messages_archive") == [(retried,)]
    (warning,) = said
    assert warning == (
        f"1 messages of conversation {chat} stay in kiloscale.messages_archive:"
        " messages has rows with their id or client_msg_id"
    )


def test_what_the_app_did_to_its_columns_meanwhile_holds_for_what_comes_back(app, chat):
    app.run("update messages set message_number = 7")
    app.run(RECLAIM)
    app.run(
        "drop view active_messages; alter table messages add tone text not null"
        " default 'plain', alter message_number type bigint, drop user_name;"
        "select kiloscale.make_active_messages()"
    )

    app.run("select restore_conversation(%s)", chat)

    found = app.rows("select distinct tone, message_number from messages")
    assert found == [("plain", 7)]
    assert app.value("select count(*) from messages") == 130


def test_the_counts_of_the_archive_follow_whoever_writes_there(app, chat):
    other = app.conversation(*DAYS)
    app.run("select archive_old_messages()")
    app.run(RECLAIM)
    assert app.value("select sum(moved) from kiloscale.archive_counts") == 60

    app.run(
        "delete from kiloscale.messages_archive where id in"
        " (select id from kiloscale.messages_archive limit 7)"
    )
    assert app.value(COUNTS_ARE_EXACT)
    app.run("delete from conversations where id = %s", other)
    assert app.value(COUNTS_ARE_EXACT)
    app.run("truncate kiloscale.messages_archive")
    assert app.value("select count(*) from kiloscale.archive_counts") == 0


def test_a_locked_conversation_is_skipped_said_and_taken_by_the_next_run(app):
    first, second = app.conversation(*DAYS), app.conversation(*DAYS)
    with connect(app.url, autocommit=False) as other:
        other.execute("select from conversations where id = %s for update", [first])

        app.run("call kiloscale.run_archive_old_messages()")

    app.run("call kiloscale.run_archive_old_messages()")
    log = app.rows(RUN_LOG, "archive-old-messages")
    assert log == [
        (30, None, {"conversations": 1, "skipped_locked": 1}),
        (30, None, {"conversations": 1}),
    ]
    assert (app.hot(first), app.hot(second)) == (100, 100)


def test_a_conversation_that_is_being_deleted_is_left_alone(app, chat):
    with connect(app.url, autocommit=False) as other:
        other.execute("delete from conversations where id = %s", [chat])
        app.run(RECLAIM)
        other.commit()

    assert (moved(app), app.value("select count(*) from messages")) == (0, 0)


def test_an_archived_at_counts_once_and_what_has_no_time_is_never_archived(existing):
    existing.run(
        "insert into messages (chat_id, role, created_at)"
        " values ('00000000-0000-0000-0000-0000000000c1', 'user', null)"
    )
    apply(existing.url, discover(REPOSITORY / "migrations"), str)
    existing.run("update messages set archived_at = now() where text = 'message 130'")
    existing.run("analyze messages")
    query = "select active_messages, archived_messages from message_archival_stats"
    before = existing.rows(query)

    counts = existing.rows("select * from archive_old_messages()")
    after = existing.rows(query)
    existing.run(RECLAIM)

    assert (before, counts, after) == ([(125, 6)], [(31, 1)], [(99, 32)])
    assert moved(existing) == 31
    timeless = "select count(*) from active_messages where created_at is null"
    assert existing.value(timeless) == 1


def test_a_trigger_of_the_app_can_tell_a_move_from_a_deletion(app, chat):
    app.run(
        "create table fired (op text);"
        "create function note() returns trigger language plpgsql as"
        " $$ begin insert into fired values (tg_op); return null; end $$;"
        "create trigger note after insert or delete on messages for each row when"
        " (current_setting('kiloscale.moving', true) is distinct from 'on')"
        " execute function note()"
    )

    app.run(RECLAIM)
    app.run("select restore_conversation(%s)", chat)
    app.run("delete from messages where id = (select id from messages limit 1)")

    assert app.rows("select op from fired") == [("DELETE",)]


def test_a_hard_delete_in_batches_takes_what_was_shown_and_no_more(app):
    for _ in range(3):
        app.conversation(*DAYS)
    app.run("select archive_old_messages()")
    app.run(RECLAIM)
    old = "now() - interval '7 months'"
    app.run(
        f"update kiloscale.messages_archive set moved_at = {old} where id in"
        " (select id from kiloscale.messages_archive limit 50)"
    )
    shown = app.rows("select * from kiloscale.preview_hard_delete_archived_messages(6)")
    app.run(
        f"update kiloscale.messages_archive set moved_at = {old} + interval '40 days'"
        " where id in (select id from kiloscale.messages_archive where moved_at > now()"
        " - interval '1 day' limit 5)"
    )

    app.run("call kiloscale.run_hard_delete_archived_messages(6, 20, %s)", shown[0][0])

    assert shown[0][1] == 50
    assert moved(app) == 40
    assert app.value(COUNTS_ARE_EXACT)
    rows, error, detail = app.rows(RUN_LOG, "hard-delete-archived-messages")[0]
    assert (rows, error, detail["months"]) == (50, None, 6)


def test_a_hard_delete_refuses_what_is_out_of_range(app):
    refused = {
        "5": "months must be between 6 and 1200, got 5",
        "null": "months must be between 6 and 1200, got null",
        "6, 0": "batch_rows must be between 1 and 100000, got 0",
        "6, 10, now()": "moved_before must be at or before",
    }
    for arguments, said in refused.items():
        with pytest.raises(psycopg.errors.InvalidParameterValue, match=said):
            app.run(f"call kiloscale.run_hard_delete_archived_messages({arguments})")


def test_a_batch_of_one_goes_through_all_conversations(app):
    chats = [app.conversation(*DAYS) for _ in range(3)]

    app.run("call kiloscale.run_archive_old_messages(batch => 1)")

    assert [app.hot(chat) for chat in chats] == [100, 100, 100]
