-- Copies of four tables with the indexes that the plan has on them, beside ours. Rows
-- lie in the same order; triggers and other foreign keys are left out on both sides.

create schema plan_side;

create table plan_side.conversations (like public.conversations including defaults);
insert into plan_side.conversations select * from public.conversations;
alter table plan_side.conversations add primary key (id);
create index on plan_side.conversations (user_id, mode, created_at desc);

create table plan_side.conversation_summaries
    (like public.conversation_summaries including defaults);
insert into plan_side.conversation_summaries
select * from public.conversation_summaries;
alter table plan_side.conversation_summaries add primary key (id);
create index on plan_side.conversation_summaries (chat_id, created_at desc);

-- The index that sorts by the counter: each bump writes every index.
create table plan_side.user_memory (like public.user_memory including defaults);
insert into plan_side.user_memory select * from public.user_memory;
alter table plan_side.user_memory add primary key (id);
create index on plan_side.user_memory
    (user_id, profile_id, is_active, reference_count desc, created_at desc)
    where is_active;
create index on plan_side.user_memory (conversation_id);
create unique index on plan_side.user_memory (source_message_id)
    where source_message_id is not null;

-- Eight, after the plan's three drops: none by (chat_id, created_at) for every role.
create table plan_side.messages
    (like public.messages including defaults including constraints);
insert into plan_side.messages select * from public.messages;
alter table plan_side.messages add primary key (id);
create unique index on plan_side.messages (client_msg_id);
create index on plan_side.messages (chat_id);
create index on plan_side.messages (chat_id, role, created_at);
create index on plan_side.messages (user_id);
create index on plan_side.messages (chat_id, created_at desc)
    where role <> 'system' and status = 'complete' and text <> '';
create index on plan_side.messages (chat_id, message_number);
create index on plan_side.messages (created_at) where status <> 'complete';
alter table plan_side.messages add foreign key (chat_id)
    references plan_side.conversations (id) on delete cascade not valid;

-- Ours grew while the data was made; these were built afterwards, and so are denser.
reindex table public.messages;
reindex table public.conversations;
reindex table public.conversation_summaries;
reindex table public.user_memory;

vacuum (analyze) plan_side.messages, plan_side.conversations, plan_side.user_memory,
    plan_side.conversation_summaries;
vacuum (analyze) public.messages, public.conversations, public.user_memory,
    public.conversation_summaries;
