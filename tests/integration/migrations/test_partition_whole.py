"""A conversion keeps whatever hangs on messages, on the way and on the way back."""

import threading
import time

import psycopg
import pytest

from deploy.errors import DeployError, UsageError
from deploy.partitioning import facts
from tests.integration.migrations.conversion import convert, session, standing
from tests.integration.migrations.writers import expected, stored, writing

pytestmark = pytest.mark.integration

BELONGINGS = """
create function public.noted() returns trigger language plpgsql as
    'begin insert into fired values (tg_name); return new; end';
create table public.fired (name text);
create trigger app_noted after insert on messages
    for each row execute function public.noted();
create trigger app_silent after insert on messages
    for each row execute function public.noted();
alter table messages disable trigger app_silent;
create policy own_messages on messages for select to authenticated
    using (user_id = (select nullif(current_setting('request.user', true), '')::uuid));
create policy no_systems on messages as restrictive for select
    using (role <> 'system');
grant select, insert on messages to authenticated;
grant update (text) on messages to authenticated;
grant usage on schema public to authenticated;
create view public.shouting with (security_invoker = true) as
    select id, upper(text) as text from messages;
grant select on public.shouting to authenticated;
comment on view public.shouting is 'kept';
create function public.message_count() returns bigint language sql
    begin atomic select count(*) from messages; end;
create table public.reactions (
    message_id uuid references messages (id) on delete cascade, emoji text);
create policy of_visible on public.reactions for select to authenticated
    using (exists (select from messages m where m.id = message_id));
alter table public.reactions enable row level security;
create index app_text_idx on messages (lower(text)) where role = 'user';
create unique index app_client_msg_idx on messages (client_msg_id);
alter table messages alter column role set statistics 500;
alter table messages add constraint app_no_novels check (length(text) < 100000);
create publication app_changes for table messages where (role <> 'system')
    with (publish = 'insert');
"""
SHAPE = {
    "columns": """
        select attname::text, format_type(atttypid, atttypmod), attnotnull,
            pg_get_expr(adbin, adrelid), attgenerated::text, attstattarget
        from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
        where attrelid = 'messages'::regclass and attnum > 0 order by attnum""",
    "checks": """
        select conname::text, pg_get_constraintdef(oid) from pg_constraint
        where conrelid = 'messages'::regclass and contype in ('c', 'f') order by 1""",
    "policies": """
        select * from pg_policies where schemaname = 'public' order by 3, 2""",
    "grants": """
        select grantee::text, privilege_type, is_grantable
        from information_schema.role_table_grants
        where table_schema = 'public' and table_name = 'messages' order by 1, 2""",
    "column grants": """
        select grantee::text, column_name::text, privilege_type
        from information_schema.column_privileges
        where table_name = 'messages' and table_schema = 'public'
            and privilege_type = 'UPDATE' order by 1, 2""",
    "views": """
        select c.relname::text, pg_get_viewdef(c.oid), c.reloptions, c.relacl::text,
            obj_description(c.oid) from pg_class c
        where relkind = 'v' and relnamespace = 'public'::regnamespace order by 1""",
    "triggers": """
        select tgname::text, tgenabled::text, pg_get_triggerdef(oid) from pg_trigger
        where tgrelid = 'messages'::regclass and not tgisinternal
            and tgname !~ '^kiloscale_(note|unlink)' order by 1""",
    "table": """
        select relrowsecurity, relforcerowsecurity, obj_description(oid)
        from pg_class where oid = 'messages'::regclass""",
    "published": """
        select pubname::text, schemaname::text, tablename::text, rowfilter
        from pg_publication_tables order by 1""",
}
INDEXES = """
select indexname::text, indexdef from pg_indexes
where schemaname = 'public' and tablename = 'messages' order by 1
"""
REFERENCES = """
select conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), convalidated
from pg_constraint where confrelid = 'messages'::regclass and conparentid = 0
order by 1
"""


def shape(app):
    return {name: app.rows(query) for name, query in SHAPE.items()}


def memory(app, chat, message):
    return app.value(
        "insert into user_memory (user_id, conversation_id, source_message_id,"
        " memory_text, memory_type, confidence_score)"
        " select user_id, id, %s, 'm', 'fact', 0.9 from conversations where id = %s"
        " returning id",
        message,
        chat,
    )


def test_all_that_hangs_on_messages_is_there_after_the_swap_and_after_the_way_back(app):
    app.run(BELONGINGS)
    chat = app.conversation(*range(300, 310))
    first, second = (
        id_
        for (id_,) in app.rows("select id from messages order by created_at limit 2")
    )
    kept, cut = memory(app, chat, first), memory(app, chat, second)
    app.run("insert into reactions values (%s, '+')", second)
    before, indexes, references = (
        shape(app),
        app.rows(INDEXES),
        app.rows(REFERENCES),
    )

    convert(app.url)

    assert shape(app) == before
    assert [name for name, _ in app.rows(INDEXES)] == [name for name, _ in indexes]
    assert app.value(
        "select relkind from pg_class where oid = 'messages'::regclass"
    ) == ("p")
    # Triggers do the foreign keys' work.
    app.run("delete from messages where id = %s", second)
    links = dict(app.rows("select id, source_message_id from user_memory"))
    assert links == {kept: first, cut: None}
    assert app.value("select count(*) from reactions") == 0
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        memory(app, chat, second)
    # The app's trigger fires once, the disabled one not at all.
    app.run("truncate fired")
    app.run("insert into messages (chat_id, role, text) values (%s, 'user', 'a')", chat)
    assert app.rows("select name from fired") == [("app_noted",)]
    assert app.value("select message_count()") == 10
    assert app.value("select count(*) from shouting where text = 'A'") == 1
    assert app.value("select pubviaroot from pg_publication")
    # What refers to a message keeps it from being moved to the archive.
    assert "user_memory" in app.value("select kiloscale.unreferenced_only()")

    convert(app.url, "back", "abort")

    assert shape(app) == before
    assert app.rows(INDEXES) == indexes
    assert app.rows(REFERENCES) == references
    assert app.value("select count(*) from messages") == 10
    assert app.value("select count(*) from fired") == 1
    assert not app.value("select pubviaroot from pg_publication")
    assert standing(app.url) == ""
    left = app.rows(
        "select relname::text from pg_class"
        " where relname ~ 'messages_(p0|shadow|before)'"
    )
    assert left == []


def test_writers_lose_nothing_while_the_table_is_converted_and_taken_back(app):
    chats = [app.conversation(*range(20)) for _ in range(20)]

    with writing(app.url, chats) as team:
        convert(app.url)
        convert(app.url, "verify", "back", "abort")

    assert [one.failures for one in team] == [[], [], []]
    assert stored(app.url) == expected(team)


def test_what_is_truncated_or_deleted_with_its_conversation_stays_gone(app):
    gone, kept = app.conversation(1, 2), app.conversation(3, 4)
    convert(app.url, "prepare", "copy")
    app.run("delete from conversations where id = %s", gone)
    convert(app.url, "verify", "swap")
    assert app.rows("select distinct chat_id from messages") == [(kept,)]

    app.run("truncate messages")
    app.run("insert into messages (chat_id, role, text) values (%s, 'user', '1')", kept)
    convert(app.url, "back")

    assert app.rows("select text from messages") == [("1",)]


def test_whoever_deletes_a_conversation_is_never_ended_for_our_sake(app):
    chat, other = app.conversation(1, 2), app.conversation(3)
    convert(app.url, "prepare", "copy")
    app.run("update messages set text = 'edited'")
    syncing = threading.Thread(target=convert, args=(app.url, "sync"))

    with psycopg.connect(app.url) as deleter:
        # Past the moment in which the server would look for a deadlock.
        deleter.execute("delete from conversations where id = %s", (chat,))
        syncing.start()
        time.sleep(1.3)
        deleter.execute("delete from conversations where id = %s", (other,))
    syncing.join()

    assert app.value("select count(*) from messages") == 0
    assert app.value("select count(*) from kiloscale.messages_shadow") == 0


def test_a_table_that_was_rewritten_meanwhile_is_copied_again(app):
    app.conversation(*range(200))
    convert(app.url, "prepare")
    app.run("delete from messages where text like '1%%'")
    app.run("vacuum full messages")

    convert(app.url, "copy", "verify")

    restarts = app.value("select restarts from kiloscale.partitioning")
    assert restarts == 1
    assert standing(app.url) == "verified"


def test_a_difference_is_found_and_no_swap_is_made(app):
    app.conversation(*range(20))
    convert(app.url, "prepare", "copy")
    app.run(
        "update kiloscale.messages_shadow set text = 'forged' where text like '7 %%'"
    )

    [found] = convert(app.url, "verify")

    assert found.evidence["unequal"] == 1
    with pytest.raises(UsageError, match="--phase swap does not follow"):
        convert(app.url, "swap")


def test_abort_leaves_nothing_behind_and_finish_leaves_partitions_only(app):
    chat = app.conversation(1, 2)
    convert(app.url, "prepare", "copy", "verify", "abort")
    assert (
        app.rows(
            "select tgname::text from pg_trigger where tgname like 'kiloscale_note%%'"
        )
        == []
    )

    convert(app.url, partitions=2)
    convert(app.url, "finish")
    app.run("delete from messages where chat_id = %s", chat)

    assert standing(app.url) == ""
    assert app.value("select count(*) from kiloscale.message_changes") == 0
    with session(app.url) as conn:
        assert facts.look(conn).is_partitioned


def test_somebody_who_holds_the_table_is_named_and_nothing_is_lost(app, monkeypatch):
    from deploy.partitioning import phases

    app.conversation(1, 2)
    convert(app.url, "prepare", "copy", "verify")
    monkeypatch.setattr(phases, "Patience", _hurried)
    with psycopg.connect(app.url, application_name="sleeper") as holder:
        holder.execute("select count(*) from messages")

        with pytest.raises(DeployError, match=r"in use by backend .*'sleeper'"):
            convert(app.url, "swap")

    assert standing(app.url) == "verified"


def _hurried(tell, hold_ms):
    from deploy.partitioning.patience import Patience

    return Patience(tell=tell, hold_ms=hold_ms, lock_ms=20, whole_s=0.1)


def test_what_stands_in_the_way_is_named_and_nothing_is_begun(app):
    app.run(
        "create materialized view public.counted as select count(*) from messages;"
        " create function public.newest() returns setof messages language sql"
        " as 'select * from messages';"
        " alter table messages add parent uuid references messages (id)"
    )

    with pytest.raises(UsageError) as caught:
        convert(app.url, "prepare")

    for text in (
        "materialized view counted reads messages",
        "function newest() uses the row type of messages",
        "messages refers to itself",
    ):
        assert text in str(caught.value)
    assert standing(app.url) == ""


def test_a_small_table_is_advised_against(app):
    with pytest.raises(UsageError, match="it pays from about 50,000,000") as caught:
        convert(app.url, "prepare", anyway=False)

    assert caught.value.remedy == "./bootstrap db.partition --phase prepare --anyway"


def test_two_swaps_at_once_are_kept_apart(app):
    app.conversation(1)
    convert(app.url, "prepare", "copy", "verify")
    errors = []

    def swap():
        try:
            convert(app.url, "swap")
        except UsageError as error:
            errors.append(error)

    threads = [threading.Thread(target=swap) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert standing(app.url) == "swapped"
    assert len(errors) == 1
