import json
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from deploy.cdn.purging.wanted import listed as purge_paths
from deploy.database import connect
from deploy.users.looking import mark

pytestmark = pytest.mark.integration

TABLES = """
select oid::regclass::text from pg_class
 where relkind in ('r', 'p') and not relispartition
   and relnamespace in ('public'::regnamespace, 'kiloscale'::regnamespace)
   and relname not in ('run_log', 'migration_progress', 'migration_checksums')
 order by 1
"""


def life(app, user, *, messages=30):
    """Fill every table that may name a user."""
    text = str(user)
    app.run("insert into profiles (id, email) values (%s, %s)", user, f"{text}@x.test")
    app.run("insert into user_profile_list (user_id) values (%s)", user)
    chats = [app.conversation(*range(messages), user=user) for _ in range(2)]
    app.run("update messages set user_id = %s where chat_id = any (%s)", user, chats)
    old = app.conversation(*range(200, 310), user=user)
    app.run("select * from archive_old_messages()")
    app.run("call kiloscale.reclaim_archived_messages()")
    for chat in (*chats, old):
        app.run(
            "insert into conversation_summaries (chat_id, summary_text)"
            " values (%s, 'sum')",
            chat,
        )
        app.run(
            "insert into conversation_caches (chat_id, cache_name, expires_at)"
            " values (%s, 'x', now())",
            chat,
        )
        app.run(
            "insert into kiloscale.memory_progress (chat_id, read_through)"
            " values (%s, now())",
            chat,
        )
        app.run(
            "insert into kiloscale.outbox (topic, key, payload) values"
            " ('llm', %s, '{}'),"
            " ('realtime', 'x', jsonb_build_object('user_id', %s::text))",
            str(chat),
            text,
        )
    app.run(
        "insert into user_memory (user_id, conversation_id, memory_text, memory_type,"
        " confidence_score, source_message_id) select %s, %s, 'm', 'fact', 0.9, id"
        " from messages where chat_id = %s limit 5",
        user,
        chats[0],
        chats[0],
    )
    for table in ("user_images", "image_generation_log"):
        app.run(
            f"insert into {table} (user_id, chat_id, image_path) values (%s, %s, %s)",
            user,
            chats[0],
            f"{text}/{table}.webp",
        )
    app.run(
        "insert into kiloscale.images (bucket, path, user_id, state, forms)"
        " select 'generated-images', u || '/a.png', u::uuid, 'compressed',"
        "  jsonb_build_array(jsonb_build_object('path', u || '/a.ks1.webp'),"
        "   jsonb_build_object('path', u || '/a.320w.ks2.webp'))"
        " from (values (%s::text)) v (u)",
        text,
    )
    app.run(
        "insert into kiloscale.images (bucket, path, state)"
        " values ('generated-images', %s || '/b.svg', 'refused')",
        text,
    )
    app.run(
        "insert into kiloscale.image_urls (table_name, row_id, user_id, bucket, path,"
        " old_url, new_url) select 'user_images', u, null, 'generated-images',"
        " u || '/a.png', 'old', 'new' from (values (%s::text)) v (u)",
        text,
    )
    app.run(
        "insert into kiloscale.outbox (topic, key, payload) values"
        " ('images', 'images', jsonb_build_object('user_id', null,"
        " 'image_url', 'https://x.test/storage/v1/object/public/generated-images/'"
        " || %s || '/c.png'))",
        text,
    )
    for table in ("feature_usage", "report_logs", "translator_logs"):
        app.run(f"insert into {table} (user_id) values (%s)", user)
    app.run(
        "insert into edge_function_logs (function_name, event)"
        " values ('f', jsonb_build_object('user', jsonb_build_object('id', %s::text)))",
        text,
    )
    app.run("insert into kiloscale.rate_limits values ('chat', %s, now(), 1)", text)
    app.run(
        "select kiloscale.settle_llm(null, %s, 'answer', 'm', 1, 1, 1),"
        " kiloscale.hold_llm_budget(7, %s, 1, 100, 60)",
        user,
        user,
    )
    return chats


def everything(app, but=()):
    """Every row of every table, as text."""
    return {
        table: sorted(
            text
            for (text,) in app.rows(f"select t::text from {table} t")
            if not any(str(each) in text for each in but)
        )
        for (table,) in app.rows(TABLES)
    }


def naming(app, user):
    """The tables that name a user."""
    return sorted(
        table
        for (table,) in app.rows(TABLES)
        if app.value(
            f"select exists (select from {table} t where position(%s in t::text) > 0)",
            str(user),
        )
    )


def test_all_that_is_a_user_s_goes_and_not_a_row_of_another(app, deletes, capsys):
    other = app.user()
    life(app, other)
    before = everything(app)
    user = app.user()
    life(app, user)
    app.run(
        "insert into stripe_webhook_events"
        " (stripe_event_id, stripe_event_type, payload) values"
        " ('evt', 'paid', jsonb_build_object('customer', %s::text))",
        str(user),
    )

    assert deletes(app, user, dry_run=True) == 0
    planned = json.loads(capsys.readouterr().out)["checks"][0]["evidence"]["rows"]
    assert deletes(app, user) == 0
    checks = {c["id"]: c for c in json.loads(capsys.readouterr().out)["checks"]}

    assert naming(app, user) == ["stripe_webhook_events"]
    after = everything(app)
    del after["stripe_webhook_events"], before["stripe_webhook_events"]
    assert after == before
    deleted = checks["user.deleted"]["evidence"]["deleted"]
    assert deleted == planned
    assert len(deleted) == 23
    assert deleted["public.messages"] == 160
    assert deleted["kiloscale.messages_archive"] == 10
    kept = {row["table"] for row in checks["user.kept"]["evidence"]["kept"]}
    assert kept == {"auth.users", "public.stripe_webhook_events"}
    assert str(user) in checks["user.kept"]["remedy"]
    files = json.loads(Path(checks["user.files"]["evidence"]["list"]).read_text())
    assert sorted(files) == sorted(
        [
            f"{user}/image_generation_log.webp",
            f"{user}/user_images.webp",
            *(
                f"generated-images/{user}/{name}"
                for name in ("a.320w.ks2.webp", "a.ks1.webp", "a.png", "b.svg")
            ),
        ]
    )


def test_copies_in_the_cdn_and_exports_are_named_with_what_removes_them(
    app, deletes, capsys
):
    user = app.user()
    life(app, user)

    assert deletes(app, user) == 0

    checks = {c["id"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
    listed = checks["user.files"]["evidence"]["list"]
    assert checks["user.copies"]["evidence"] == {"public_files": 4}
    remedy = f"./bootstrap cdn.purge --path @{listed} --wait"
    assert checks["user.copies"]["remedy"] == remedy
    assert checks["user.exports"]["status"] == "skipped"
    assert checks["user.exports"]["remedy"].endswith(f"--forget {user}")
    assert len(purge_paths(f"@{listed}")) == 4


def test_a_purge_of_the_cdn_that_is_under_way_is_still_sent(app, deletes, capsys):
    user = app.user()
    app.run(
        "insert into kiloscale.outbox (topic, key, payload) values ('cdn-purge',"
        " 'generated-images', jsonb_build_object('bucket', 'generated-images',"
        " 'name', %s || '/a.png'))",
        str(user),
    )

    assert deletes(app, user) == 0

    kept = json.loads(capsys.readouterr().out)["checks"][-1]["evidence"]["kept"]
    assert "kiloscale.outbox" in {row["table"] for row in kept}
    assert app.value("select count(*) from kiloscale.outbox") == 1


FILES_OF_SUPABASE = """
create schema storage;
create table storage.objects (bucket_id text, name text, owner_id text);
"""


def test_files_that_only_supabase_knows_are_listed_as_well(app, deletes, capsys):
    user, other = app.user(), app.user()
    app.run("insert into profiles (id) values (%s)", user)
    app.run(FILES_OF_SUPABASE)
    app.run(
        "insert into storage.objects values ('avatars', %s || '/me.png', null),"
        " ('private', 'letter.pdf', %s), ('avatars', %s || '/x.png', null)",
        str(user),
        str(user),
        str(other),
    )

    assert deletes(app, user) == 0

    checks = {c["id"]: c for c in json.loads(capsys.readouterr().out)["checks"]}
    files = json.loads(Path(checks["user.files"]["evidence"]["list"]).read_text())
    assert files == [f"avatars/{user}/me.png", "private/letter.pdf"]
    kept = {row["table"] for row in checks["user.kept"]["evidence"]["kept"]}
    assert "storage.objects" in kept
    assert "user.copies" not in checks


def test_the_run_log_tells_the_counts_and_not_whose_they_were(app, deletes):
    user = app.user()
    life(app, user)

    deletes(app, user)

    rows, error, detail = app.rows(
        "select rows, error, detail from kiloscale.run_log where job = 'user.delete'"
    )[0]
    assert rows == sum(detail["deleted"].values())
    assert error is None
    assert detail["user"] == mark(user)
    text = app.value("select string_agg(l::text, ' ') from kiloscale.run_log l")
    assert str(user) not in text
    assert deletes(app, user) == 0  # a second time there is nothing to do
    assert (
        app.value("select count(*) from kiloscale.run_log where job = 'user.delete'")
        == 1
    )


def test_a_shared_conversation_goes_to_who_wrote_in_it_last(app, deletes):
    user, friend, gone = app.user(), app.user(), uuid4()
    chat = app.conversation(3, user=user)
    elsewhere = app.conversation(3, user=friend)
    add = (
        "insert into messages (chat_id, role, text, user_id, created_at)"
        " values (%s, %s, %s, %s, now() - make_interval(hours => %s))"
    )
    app.run(add, chat, "user", "mine", user, 5)
    app.run(add, chat, "user", "hers", friend, 4)
    app.run(add, chat, "user", "of one who left", gone, 3)
    app.run(add, chat, "assistant", "to both", None, 2)
    app.run(add, elsewhere, "user", "mine in hers", user, 1)
    app.run(
        "insert into conversation_summaries (chat_id, summary_text)"
        " values (%s, 'both'), (%s, 'hers')",
        chat,
        elsewhere,
    )

    assert deletes(app, user) == 0

    assert app.rows("select user_id from conversations where id = %s", chat) == [
        (friend,)
    ]
    texts = [text for (text,) in app.rows("select text from messages order by text")]
    assert texts == ["3 days old", "3 days old", "hers", "of one who left", "to both"]
    assert app.rows("select chat_id from conversation_summaries") == [(elsewhere,)]
    assert (
        app.value(
            "select user_id from conversation_activity where conversation_id = %s", chat
        )
        == friend
    )
    app.run("delete from auth.users where id = %s", user)
    assert app.value("select count(*) from messages") == 5


def test_a_conversation_that_nobody_can_take_stops_it(app, deletes, capsys):
    user = app.user()
    chat = app.conversation(3, user=user)
    app.run(
        "insert into messages (chat_id, role, user_id) values (%s, 'user', %s)",
        chat,
        uuid4(),
    )
    before = everything(app)

    assert deletes(app, user) == 4

    assert "none of them is a user any more" in capsys.readouterr().out
    assert everything(app) == before


UNKNOWN = """
create table bookmarks (id int primary key, owner uuid references auth.users (id)
    on delete cascade, note text);
create table marks_of_bookmarks (bookmark int references bookmarks on delete cascade);
create table reactions (message uuid references messages (id) on delete cascade,
    user_id uuid references auth.users (id) on delete cascade);
create table invoices (payer uuid references auth.users (id));
create table badges (holder uuid references profiles (id) on delete set null);
create table drafts (author_id uuid, words text);
"""


def test_tables_that_we_do_not_know_go_along_or_stop_it_before_it_begins(
    app, deletes, capsys
):
    app.run(UNKNOWN)
    user, other = app.user(), app.user()
    life(app, user)
    app.run("insert into bookmarks values (1, %s, 'a'), (2, %s, 'b')", user, other)
    app.run("insert into marks_of_bookmarks values (1), (1), (2)")
    app.run("insert into badges values (%s)", user)
    app.run("insert into drafts values (%s, 'x')", user)
    app.run("insert into invoices values (%s), (%s)", user, other)
    app.run(
        "insert into reactions select id, %s from messages where user_id = %s limit 1",
        other,
        user,
    )
    before = everything(app)

    assert deletes(app, user) == 4
    failed = capsys.readouterr().out
    assert "1 of public.invoices: they refuse the deletion" in failed
    assert "1 of public.reactions: rows of other users that would go along" in failed
    assert everything(app) == before
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        app.run("call kiloscale.delete_user(%s)", user)
    assert everything(app) == before

    app.run("delete from invoices where payer = %s", user)
    assert deletes(app, user, allow="public.reactions") == 0

    report = json.loads(capsys.readouterr().out)
    kept = {r["table"] for r in report["checks"][-1]["evidence"]["kept"]}
    assert "public.drafts" in kept
    assert app.rows("select id from bookmarks") == [(2,)]
    assert app.rows("select bookmark from marks_of_bookmarks") == [(2,)]
    assert app.rows("select holder from badges") == [(None,)]
    assert app.value("select count(*) from reactions") == 0


def test_deleting_a_conversation_by_sql_reaches_all_that_hangs_on_it(app):
    user = app.user()
    chats = life(app, user)
    (old,) = app.rows("select distinct chat_id from kiloscale.messages_archive")[0]
    memories = app.value("select count(*) from user_memory")

    app.run("delete from conversations where id = any (%s)", [*chats, old])

    for table in (
        "kiloscale.messages_archive",
        "kiloscale.memory_progress",
        "messages",
        "conversation_summaries",
        "conversation_caches",
        "conversation_activity",
    ):
        assert app.value(f"select count(*) from {table}") == 0, table
    assert app.value("select count(*) from kiloscale.outbox where topic = 'llm'") == 0
    assert app.rows(
        "select count(*), count(conversation_id), count(source_message_id)"
        " from user_memory"
    ) == [(memories, 0, 0)]


def test_a_deletion_that_is_cut_off_is_finished_by_the_next(app, deletes):
    user, other = app.user(), app.user()
    life(app, other)
    before = everything(app)
    life(app, user)
    step = (
        "select next, moved from kiloscale.delete_user_step(%s::jsonb,"
        " jsonb_build_object('user', %s::text, 'batch_rows', 40,"
        " 'allowed', '[]'::jsonb))"
    )
    state = {}
    for _ in range(4):
        with connect(app.url) as conn:  # each step commits; then the session dies
            state, moved = conn.execute(step, [json.dumps(state), str(user)]).fetchone()
    assert moved > 0
    assert naming(app, user)

    assert deletes(app, user) == 0

    assert naming(app, user) == []
    assert everything(app) == before


def test_without_supabase_s_tables_it_works_as_well(plain_url):
    from deploy.migrations import apply, discover
    from deploy.paths import REPOSITORY

    apply(plain_url, discover(REPOSITORY / "migrations"), str)
    user = uuid4()
    with connect(plain_url) as conn:
        conn.execute("insert into profiles (id) values (%s)", [user])
        conn.execute("insert into conversations (user_id) values (%s)", [user])

        conn.execute("call kiloscale.delete_user(%s)", [user])

        assert conn.execute("select count(*) from conversations").fetchone() == (0,)
        assert conn.execute("select count(*) from profiles").fetchone() == (0,)


def test_a_call_without_a_user_is_refused(app):
    for call in ("delete_user(null)", "delete_user(gen_random_uuid(), '{}', 0)"):
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            app.run(f"call kiloscale.{call}")
