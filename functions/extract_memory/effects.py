"""The SQL of extract_memory after the model was called: all of it, or nothing.

Each statement begins with `_HELD`, the lease under which the conversation was read. If
it ran out and another consumer has it, or if the statement is repeated after a commit
that was cut off, nothing happens.
"""

# Two conversations of one user may tell the same at the same time: each must see what
# the other one saved. A memory refers to the conversation; taking that lock late could
# meet a deletion that waits for the outbox. All locks end with the transaction, as a
# transaction pooler demands.
LOCK_USER = """
select pg_advisory_xact_lock(hashtextextended('kiloscale:memories:' || %s::text, 0))
"""
LOCK_CONVERSATION = "select from public.conversations where id = %s for key share"

KNOWN = """
select u.id, u.memory_text, u.is_active, u.source_message_id
  from public.user_memory u
 where u.user_id = %(user_id)s
   and u.profile_id is not distinct from %(profile_id)s
 order by u.is_active desc, coalesce(u.last_referenced_at, u.created_at) desc
 limit %(known)s
"""

# Before `FINISH`, which gives the token back: a repetition adds nothing.
SETTLE = """
select kiloscale.settle_llm(
           null, %(user_id)s, 'extraction', %(model)s, %(input_tokens)s,
           %(output_tokens)s, %(microusd)s)
  from kiloscale.memory_progress m
 where m.chat_id = %(chat_id)s and m.reading_until = %(token)s
"""

# A call that was not made, or that gave nothing, does not count: an outage of the model
# must not use up the day of a user. Before what gives the token back, likewise.
REFUND = """
update kiloscale.rate_limits r
   set hits = r.hits - 1
  from kiloscale.memory_progress m
 where m.chat_id = %(chat_id)s and m.reading_until = %(token)s
   and r.scope = %(scope)s and r.subject = %(user_id)s::text and r.hits > 0
"""

_HELD = """
with held as (
    select m.chat_id, m.outbox_id
      from kiloscale.memory_progress m
     where m.chat_id = %(chat_id)s and m.reading_until = %(token)s
)"""

# What did not fit into this reading waits with the next turns, in a row of its own:
# whoever still holds an old one finds it gone.
_FINISHING = """, done as (
    delete from kiloscale.outbox o
     using held
     where o.id = any (%(outbox_ids)s)
), rest as (
    insert into kiloscale.outbox (topic, key, payload, ready_at, due_at)
    select 'extraction', h.chat_id::text, %(rest)s::jsonb,
           now() + make_interval(secs => %(rest_s)s),
           now() + make_interval(secs => %(rest_s)s)
      from held h
     where %(rest)s::jsonb is not null
       and (%(rest_s)s = 0 or not exists (
            select from kiloscale.outbox o
             where o.id = h.outbox_id
               and o.id <> all (%(outbox_ids)s)
               and o.dead_at is null))
    returning id
), progress as (
    update kiloscale.memory_progress m
       set read_through = greatest(m.read_through, %(read_through)s),
           read_ids = array(
               select distinct g.id
                 from unnest(m.read_ids || %(read_ids)s::uuid[]) r (id)
                 join public.messages g on g.id = r.id
                where g.created_at > greatest(m.read_through, %(read_through)s)
                    - make_interval(secs => %(late_s)s)),
           turns_waiting = greatest(m.turns_waiting - %(turns)s, 0),
           outbox_id = coalesce((select r.id from rest r), m.outbox_id),
           reading_until = null
      from held h
     where m.chat_id = h.chat_id
)"""

FINISH = "".join(
    (_HELD, _FINISHING, " select exists (select from held) as is_ours, 0 as saved")
)

# The values take the types of the app's own columns.
_SAVING = """, saved as (
    insert into public.user_memory
        (id, user_id, profile_id, conversation_id, source_message_id, memory_text,
         memory_type, confidence_score, reference_count, is_active, canonical_hash,
         memory_metadata, origin_mode, created_at)
    select gen_random_uuid(), %(user_id)s, %(profile_id)s, h.chat_id, m.id,
           v.memory_text, v.memory_type, v.confidence_score, 0, true, v.canonical_hash,
           v.memory_metadata, %(mode)s, now()
      from held h
     cross join jsonb_array_elements(%(memories)s::jsonb) e
     cross join lateral jsonb_populate_record(null::public.user_memory, e.value) v
      join public.messages m on m.id = v.source_message_id
     where not exists (
        select from public.user_memory u where u.source_message_id = m.id)
        on conflict do nothing
    returning id
), told_again as (
    update public.user_memory u
       set reference_count = least(u.reference_count + 1, 32767),
           last_referenced_at = now()
      from (select w.id
              from held h
             cross join public.user_memory w
             where w.id = any (%(known_ids)s)
             order by w.id
               for update of w) w
     where u.id = w.id
)
select exists (select from held) as is_ours, (select count(*) from saved) as saved
"""

SAVE = "".join((_HELD, _FINISHING, _SAVING))

_GIVING_UP = """, progress as (
    update kiloscale.memory_progress m
       set reading_until = null
      from held h
     where m.chat_id = h.chat_id
)
update kiloscale.outbox o
   set leased_until = null, last_error = %(reason)s
  from held h
 where o.id = any (%(outbox_ids)s)
"""

GIVE_UP = "".join((_HELD, _GIVING_UP))

# Nothing failed: the sends of the rows begin anew.
_POSTPONING = """, opens as (
    select coalesce((
               select r.window_started_at + make_interval(secs => %(window_s)s)
                 from kiloscale.rate_limits r
                where r.scope = %(scope)s and r.subject = %(user_id)s::text),
               now()) as at
), progress as (
    update kiloscale.memory_progress m
       set held_until = o.at, reading_until = null
      from held h
     cross join opens o
     where m.chat_id = h.chat_id
)
update kiloscale.outbox o
   set ready_at = w.at, due_at = w.at, sends = 0, leased_until = null, last_error = null
  from held h
 cross join opens w
 where o.id = any (%(outbox_ids)s)
"""

POSTPONE = "".join((_HELD, _POSTPONING))
