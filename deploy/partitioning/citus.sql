-- public.messages and what belongs to a conversation, distributed by Citus.
--
-- Written by ./bootstrap db.citus-ddl. It was not run here unless that said so. Run it
-- on the coordinator with nobody connected: create_distributed_table moves the rows and
-- stops writers meanwhile. The key is the one of the hash partitions: a row of messages
-- stands where its conversation stands.

-- 1. Keys. Citus keeps a key unique where it contains the distribution column.
alter table public.user_memory drop constraint if exists user_memory_source_message_id_fkey;
alter table public.user_memory drop constraint if exists user_memory_conversation_id_fkey;
alter table public.user_images drop constraint if exists user_images_chat_id_fkey;
alter table public.image_generation_log drop constraint if exists image_generation_log_chat_id_fkey;
alter table public.messages drop constraint messages_pkey;
alter table public.messages add constraint messages_pkey primary key (id, chat_id);
alter table public.conversation_summaries drop constraint conversation_summaries_pkey;
alter table public.conversation_summaries
    add constraint conversation_summaries_pkey primary key (id, chat_id);

-- 2. Foreign keys to a table that stays on the coordinator are refused: the owner of a
-- conversation is not checked by the database any more. Deleting a user must delete the
-- conversations itself.
alter table public.conversations drop constraint if exists conversations_user_id_fkey;
alter table public.conversation_activity drop constraint if exists conversation_activity_user_id_fkey;

-- 3. Triggers on distributed tables are refused. Their work (forgetting what waits for
-- a deleted conversation) goes into the statement that deletes.
drop trigger if exists kiloscale_forget_conversations on public.conversations;

-- 4. Conversations by id, and all that has a chat beside it. The foreign keys between
-- them hold the distribution column on both sides: they come back afterwards.
alter table public.messages drop constraint if exists messages_chat_id_fkey;
alter table public.conversation_activity drop constraint if exists conversation_activity_conversation_id_fkey;
alter table public.conversation_caches drop constraint if exists conversation_caches_chat_id_fkey;
alter table public.conversation_summaries drop constraint if exists conversation_summaries_chat_id_fkey;
alter table kiloscale.messages_archive drop constraint if exists messages_archive_chat_id_fkey;
alter table kiloscale.memory_progress drop constraint if exists memory_progress_chat_id_fkey;
select create_distributed_table('public.conversations', 'id', shard_count => {shards});
select create_distributed_table(
    'public.messages', 'chat_id', colocate_with => 'public.conversations');
select create_distributed_table('public.conversation_activity', 'conversation_id',
    colocate_with => 'public.conversations');
select create_distributed_table('public.conversation_caches', 'chat_id',
    colocate_with => 'public.conversations');
select create_distributed_table('public.conversation_summaries', 'chat_id',
    colocate_with => 'public.conversations');
select create_distributed_table('kiloscale.messages_archive', 'chat_id',
    colocate_with => 'public.conversations');
select create_distributed_table('kiloscale.memory_progress', 'chat_id',
    colocate_with => 'public.conversations');

alter table public.messages add constraint messages_chat_id_fkey
    foreign key (chat_id) references public.conversations (id) on delete cascade;
alter table public.conversation_activity add constraint conversation_activity_conversation_id_fkey
    foreign key (conversation_id) references public.conversations (id) on delete cascade;
alter table public.conversation_caches add constraint conversation_caches_chat_id_fkey
    foreign key (chat_id) references public.conversations (id) on delete cascade;
alter table public.conversation_summaries add constraint conversation_summaries_chat_id_fkey
    foreign key (chat_id) references public.conversations (id) on delete cascade;
alter table kiloscale.messages_archive add constraint messages_archive_chat_id_fkey
    foreign key (chat_id) references public.conversations (id) on delete cascade;
alter table kiloscale.memory_progress add constraint memory_progress_chat_id_fkey
    foreign key (chat_id) references public.conversations (id) on delete cascade;

-- 5. By user: no foreign key to messages, whose key lacks the user.
alter table public.user_memory drop constraint user_memory_pkey;
alter table public.user_memory add constraint user_memory_pkey primary key (id, user_id);
drop index if exists public.user_memory_source_message_id_key;
create unique index user_memory_source_message_id_key
    on public.user_memory (source_message_id, user_id)
    where source_message_id is not null;
select create_distributed_table(
    'public.user_memory', 'user_id', colocate_with => 'none');

-- 6. Small, read everywhere, written seldom: a copy on each node.
select create_reference_table('public.system_config');

-- Stays on the coordinator: profiles, user_profile_list, feature_usage, user_images,
-- image_generation_log, edge_function_logs, stripe_webhook_events, the outbox, the
-- limits, the run log and all else in schema kiloscale.

-- 7. What of ours does not work unchanged, from the documentation of Citus: a statement
-- that writes must not mix distributed and local tables, triggers are refused, a
-- foreign key needs co-location or a reference table.
--   accept_messages: writes messages of many conversations, the limits and the outbox
--     in one statement. Call it for one conversation at a time, and write the outbox in
--     a statement of its own in the same transaction.
--   reclaim_step, restore_conversation: FOR UPDATE SKIP LOCKED, and a DELETE that feeds
--     an INSERT, need one shard: add chat_id = $1 to each.
--   unreferenced_only: finds no foreign key any more; user_memory must be asked.
--   archive_batch: joins co-located tables, so it runs; its ORDER BY ... LIMIT over all
--     shards is gathered on the coordinator.
--   forget_conversations, forget_users: are triggers; delete in the service instead.
--   db.partition: is not needed, shards are the partitions.
