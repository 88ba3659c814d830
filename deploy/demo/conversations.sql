-- Conversations low to high with their activity, caches and summaries.

insert into public.conversations (id, user_id, title, mode, profile_id, turn_count,
    last_summary_at_turn, created_at, updated_at)
select c.id, u.id, 'Conversation ' || c.i, c.mode,
    case when c.has_profile then u.profile_id end, c.turns,
    c.turns - mod(c.turns, 10), c.started_at, c.ended_at
from demo_conversation c join demo_user u on u.i = c.u
where c.i between %(low)s and %(high)s;

insert into public.conversation_activity (conversation_id, user_id,
    last_user_message_at, last_assistant_message_at, last_activity_at)
select c.id, u.id, c.last_user_at, c.last_assistant_at,
    coalesce(greatest(c.last_user_at, c.last_assistant_at), c.started_at)
from demo_conversation c join demo_user u on u.i = c.u
where c.i between %(low)s and %(high)s;

insert into public.conversation_caches (chat_id, cache_name, system_data_hash,
    created_at, expires_at)
select c.id, 'cachedContents/' || md5(c.id::text), md5(c.i::text), c.ended_at,
    c.ended_at + interval '1 hour'
from demo_conversation c
where c.i between %(low)s and %(high)s and c.has_prompt;

-- One for each 10 turns, as llm_handler writes them.
insert into public.conversation_summaries (chat_id, summary_text, turn_range,
    message_count, created_at)
select c.id, left(t.t, 600), (s - 1) * 10 + 1 || '-' || s * 10, 20,
    c.started_at + (c.ended_at - c.started_at) * least(1.0, s * 20.0 / c.n)
from demo_conversation c
cross join lateral generate_series(1, c.turns / 10) s
join demo_text t on t.k = mod(c.i * 7 + s * 31, 512)
where c.i between %(low)s and %(high)s;
