"""The SQL of llm_handler: one statement before the model is called, one after it."""

# Everything that a turn needs rides along with the lease: message, history above the
# archival watermark, memories, summary and the provider's configuration. The
# configuration row therefore needs no cache: reading it here costs no round trip,
# and a change of it holds from the next message on.
#
# The lease lets one consumer call the model: `update` waits for a concurrent lease and
# then sees it. A consumer that dies leaves its lease to run out.
TAKE = """
with lease as (
    update kiloscale.outbox o
       set leased_until = now() + make_interval(secs => %(lease_s)s)
     where o.id = %(outbox_id)s
       and (o.leased_until is null or o.leased_until <= now())
    returning (o.payload ->> 'message_id')::uuid as message_id
), message as (
    select m.id, m.chat_id, m.created_at, m.mode, c.user_id,
           coalesce(c.profile_id, (
               select p.id
                 from public.user_profile_list p
                where p.user_id = c.user_id and p.is_primary
                limit 1)) as profile_id
      from lease l
      join public.messages m on m.id = l.message_id
      join public.conversations c on c.id = m.chat_id
), history as (
    select h.id, h.role, h.text, h.created_at
      from message m
     cross join lateral (
        select a.id, a.role, a.text, a.created_at
          from public.active_messages a
         where a.chat_id = m.chat_id
           and (a.created_at, a.id) <= (m.created_at, m.id)
           and a.role in ('user', 'assistant')
           and a.status = 'complete'
         order by a.created_at desc, a.id desc
         limit %(history)s) h
), memory as (
    select u.memory_text, u.rank
      from message m
     cross join lateral (
        select u.memory_text,
               row_number() over (
                   order by u.reference_count desc,
                            u.last_referenced_at desc nulls last, u.created_at desc
               ) as rank
          from public.user_memory u
         where u.user_id = m.user_id
           and u.profile_id is not distinct from m.profile_id
           and u.is_active
         order by rank
         limit %(memories)s) u
)
select exists (select from kiloscale.outbox where id = %(outbox_id)s) as is_waiting,
       exists (select from lease) as is_leased,
       (select jsonb_build_object(
           'message_id', m.id,
           'chat_id', m.chat_id,
           'user_id', m.user_id,
           'history', (
               select coalesce(
                          jsonb_agg(
                              jsonb_build_object('role', h.role, 'text', h.text)
                              order by h.created_at, h.id),
                          '[]')
                 from history h),
           'message_count', (
               select count(*)
                 from (select from public.messages n
                        where n.chat_id = m.chat_id
                        limit %(mature_at)s) n),
           'memories', (
               select coalesce(jsonb_agg(y.memory_text order by y.rank), '[]')
                 from memory y),
           'summary', (
               select s.summary_text
                 from public.conversation_summaries s
                where s.chat_id = m.chat_id
                order by s.created_at desc
                limit 1),
           'config', (
               select c.value from public.system_config c where c.key = %(config_key)s),
           'has_realtime',
               to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null)
          from message m) as message
"""

_SAVE = """
with done as (
    delete from kiloscale.outbox where id = %(outbox_id)s returning id
), answer as (
    insert into public.messages
        (id, chat_id, role, text, created_at, client_msg_id, status, mode, user_id,
         meta)
    select %(answer_id)s, c.id, 'assistant', %(text)s, clock_timestamp(),
           %(answer_id)s, 'complete', m.mode, c.user_id, %(meta)s::jsonb
      from done
      join public.messages m on m.id = %(message_id)s
      join public.conversations c on c.id = m.chat_id
        on conflict do nothing
    returning id, chat_id, user_id
), turn as (
    update public.conversations c
       set turn_count = c.turn_count + 1, updated_at = now()
      from answer a
     where c.id = a.chat_id
    returning c.turn_count, c.last_summary_at_turn
), event as (
    select 'user-realtime:' || a.user_id as topic, a.user_id,
           jsonb_build_object('chat_id', a.chat_id, 'message_id', a.id) as payload
      from answer a
), notice as (
    {notice}
), extraction as (
    select kiloscale.defer_extraction(
               a.chat_id, a.user_id, a.id, 1, %(turns_max)s, %(idle_s)s,
               %(window)s::integer) as id
      from answer a
     where %(turns_max)s::integer is not null
)
select (select a.id from answer a) as answer_id,
       coalesce((select t.turn_count from turn t), 0) as turn_count,
       coalesce((select t.last_summary_at_turn from turn t), 0)
           as last_summary_at_turn,
       (select n.id from notice n) as notice_id,
       (select x.id from extraction x) as extraction_id
"""

# The length of a void result is 0, the id that stands for "sent with this commit". The
# statement reads it, else PostgreSQL would not run a part that only selects.
_SEND = """select length(realtime.send(e.payload, 'message', e.topic, true)::text) as id
      from event e"""
_ENQUEUE = """insert into kiloscale.outbox (topic, key, payload)
    select 'realtime', e.user_id::text,
           jsonb_build_object(
               'topic', e.topic, 'event', 'message', 'payload', e.payload)
      from event e
    returning id"""
_SKIP = "select null::bigint as id where false"

SAVE_AND_SEND = _SAVE.format(notice=_SEND)
SAVE_AND_ENQUEUE = _SAVE.format(notice=_ENQUEUE)
SAVE_ONLY = _SAVE.format(notice=_SKIP)

DISCARD = "delete from kiloscale.outbox where id = %s"

GIVE_UP = """
update kiloscale.outbox
   set leased_until = null, last_error = %(reason)s
 where id = %(outbox_id)s
"""

SAVE_SUMMARY = """
with claimed as (
    update public.conversations
       set last_summary_at_turn = %(turn_count)s
     where id = %(chat_id)s and last_summary_at_turn = %(last_summary_at_turn)s
    returning id
)
insert into public.conversation_summaries
    (id, chat_id, summary_text, turn_range, message_count, created_at)
select gen_random_uuid(), c.id, %(text)s, %(turn_range)s, %(message_count)s, now()
  from claimed c
"""
