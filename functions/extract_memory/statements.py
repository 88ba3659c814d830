"""The SQL of extract_memory: one statement before the model is called, two after it."""

# The rows are locked in the order of their ids, so that two consumers that got some of
# the same rows wait for each other and never both ways. `lease` then sees the newest
# version of each row: what the other one leased is not leased again.
#
# A call of the model is counted only for a leased row whose message still exists.
TAKE = """
with wanted as (
    select o.id
      from kiloscale.outbox o
     where o.id = any (%(outbox_ids)s)
       and o.topic = 'extraction'
       and o.key = %(chat_id)s::text
     order by o.id
       for update
), lease as (
    update kiloscale.outbox o
       set leased_until = now() + make_interval(secs => %(lease_s)s)
      from wanted w
     where o.id = w.id
       and (o.leased_until is null or o.leased_until <= now())
    returning o.id, (o.payload ->> 'message_id')::uuid as message_id
), newest as (
    select m.id, m.chat_id, m.created_at, coalesce(m.mode, c.mode) as mode, c.user_id,
           coalesce(c.profile_id, (
               select p.id
                 from public.user_profile_list p
                where p.user_id = c.user_id and p.is_primary
                limit 1)) as profile_id
      from lease l
      join public.messages m on m.id = l.message_id
      join public.conversations c on c.id = m.chat_id
     order by m.created_at desc, m.id desc
     limit 1
), hit as (
    insert into kiloscale.rate_limits as r (scope, subject, window_started_at, hits)
    select %(scope)s, n.user_id::text, now(), 1
      from newest n
        on conflict (scope, subject) do update
       set hits = case
               when r.window_started_at > now() - make_interval(secs => %(window_s)s)
               then r.hits + 1
               else 1
           end,
           window_started_at = case
               when r.window_started_at > now() - make_interval(secs => %(window_s)s)
               then r.window_started_at
               else now()
           end
     where r.hits < %(hits_max)s
        or r.window_started_at <= now() - make_interval(secs => %(window_s)s)
    returning r.hits
), recent as (
    select a.id, a.role, a.text, a.created_at
      from newest n
     cross join lateral (
        select v.id, v.role, left(v.text, %(text_max)s) as text, v.created_at
          from public.active_messages v
         where v.chat_id = n.chat_id
           and (v.created_at, v.id) <= (n.created_at, n.id)
           and v.status = 'complete'
           -- In a conversation of several people the others' messages are not read.
           and (v.role = 'assistant'
                or v.role = 'user' and coalesce(v.user_id, n.user_id) = n.user_id)
         order by v.created_at desc, v.id desc
         limit %(messages)s) a
)
select (select coalesce(array_agg(w.id), '{}') from wanted w) as waiting,
       (select coalesce(array_agg(l.id), '{}') from lease l) as leased,
       exists (select from hit) as is_admitted,
       (select jsonb_build_object(
           'chat_id', n.chat_id,
           'user_id', n.user_id,
           'profile_id', n.profile_id,
           'mode', n.mode,
           'turns', (
               select coalesce(
                          jsonb_agg(
                              jsonb_build_object('role', r.role, 'text', r.text)
                              order by r.created_at, r.id),
                          '[]')
                 from recent r),
           'config', (
               select c.value from public.system_config c where c.key = %(config_key)s))
          from newest n) as conversation
"""

# Two conversations of one user may tell the same at the same time: the comparison of
# hashes must see what the other one saved, so the lock is a statement of its own,
# before the snapshot of `SAVE`. It ends with the transaction, as a transaction pooler
# demands.
LOCK_USER = """
select pg_advisory_xact_lock(hashtextextended('kiloscale:memories:' || %s::text, 0))
"""

# The rows that asked are the sources: each has one memory at most, the surest for the
# newest message. The values take the types of the app's own columns.
SAVE = """
with done as (
    delete from kiloscale.outbox
     where id = any (%(outbox_ids)s)
    returning (payload ->> 'message_id')::uuid as message_id
), source as (
    select m.id, row_number() over (order by m.created_at desc, m.id desc) as rank
      from (select distinct d.message_id from done d) d
      join public.messages m on m.id = d.message_id
     where not exists (
        select from public.user_memory u where u.source_message_id = m.id)
), candidate as (
    select v.*, row_number() over (order by v.confidence_score desc, e.position) as rank
      from jsonb_array_elements(%(memories)s::jsonb)
           with ordinality as e (value, position)
     cross join lateral jsonb_populate_record(null::public.user_memory, e.value) v
     where not exists (
        select from public.user_memory u
         where u.user_id = %(user_id)s and u.canonical_hash = v.canonical_hash)
), saved as (
    insert into public.user_memory
        (id, user_id, profile_id, conversation_id, source_message_id, memory_text,
         memory_type, confidence_score, reference_count, is_active, canonical_hash,
         memory_metadata, origin_mode, created_at)
    select gen_random_uuid(), %(user_id)s, %(profile_id)s, %(chat_id)s, s.id,
           c.memory_text, c.memory_type, c.confidence_score, 0, true, c.canonical_hash,
           %(metadata)s::jsonb, %(mode)s, now()
      from candidate c
      join source s on s.rank = c.rank
        on conflict do nothing
    returning id
)
select (select count(*) from candidate) as unknown,
       (select count(*) from saved) as saved
"""

DISCARD = "delete from kiloscale.outbox where id = any (%s)"

# A call that gave nothing does not count: an outage of the model must not use up the
# day of a user.
GIVE_UP = """
with refund as (
    update kiloscale.rate_limits
       set hits = hits - 1
     where scope = %(scope)s and subject = %(user_id)s::text and hits > 0
)
update kiloscale.outbox
   set leased_until = null, last_error = %(reason)s
 where id = any (%(outbox_ids)s)
"""
