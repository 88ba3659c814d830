"""The SQL of llm_handler: one statement after the model is called, and the rest."""

# A call of the model is paid for whether its answer is the one that is saved or not.
# So the cost counts as well if another consumer saved an answer before; only the second
# run of a statement whose commit was cut off finds its own call and counts nothing.
#
# The memories are locked in the order of their ids, so that two answers to one user
# wait for each other and never both ways.
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
), settled as (
    select kiloscale.settle_llm(
               %(outbox_id)s, c.user_id, 'answer', %(model)s, %(input_tokens)s,
               %(output_tokens)s, %(microusd)s) as done
      from public.conversations c
     where c.id = %(chat_id)s
       and %(model)s::text is not null
       and (exists (select from done)
            or not exists (
                select from public.messages a
                 where a.id = %(answer_id)s
                   and a.meta ->> 'call_id' = %(call_id)s::text))
), referenced as (
    update public.user_memory u
       set reference_count = least(u.reference_count::integer + 1, 32767),
           last_referenced_at = now()
      from answer a
     cross join lateral (
        select x.id
          from public.user_memory x
         where x.id = any (%(memory_ids)s::uuid[])
         order by x.id
           for update) l
     where u.id = l.id and u.user_id = a.user_id
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
       (select x.id from extraction x) as extraction_id,
       (select count(*) from settled) as settled
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

# Only what is still ours is released: after the lease another consumer may have both.
GIVE_UP = """
with released as (
    update kiloscale.outbox
       set leased_until = null, last_error = %(reason)s
     where id = %(outbox_id)s and leased_until = %(leased_until)s
    returning id
)
delete from kiloscale.llm_reservations r
 using released o
 where r.user_id = %(user_id)s and r.outbox_id = o.id
"""

HOLD = """
select kiloscale.hold_llm_budget(
           %(outbox_id)s, %(user_id)s, %(microusd)s, %(day_microusd)s, %(lease_s)s)
"""

RELEASE = """
delete from kiloscale.llm_reservations
 where user_id = %(user_id)s and outbox_id = %(outbox_id)s
"""

# The cost counts although another consumer may have written the summary meanwhile. The
# second run of a statement whose commit was cut off finds nothing held and counts none.
SAVE_SUMMARY = """
with settled as (
    select kiloscale.settle_llm(
               r.outbox_id, r.user_id, 'summary', %(model)s, %(input_tokens)s,
               %(output_tokens)s, %(microusd)s) as done
      from kiloscale.llm_reservations r
     where r.user_id = %(user_id)s and r.outbox_id = %(outbox_id)s
), claimed as (
    update public.conversations
       set last_summary_at_turn = %(turn_count)s
     where id = %(chat_id)s and last_summary_at_turn = %(last_summary_at_turn)s
    returning id
), saved as (
    insert into public.conversation_summaries
        (id, chat_id, summary_text, turn_range, message_count, created_at)
    select gen_random_uuid(), c.id, %(text)s, %(turn_range)s, %(message_count)s,
           m.created_at
      from claimed c
      join public.messages m on m.id = %(message_id)s
    returning id
)
select exists (select from saved) as is_saved, (select count(*) from settled) as settled
"""
