"""The SQL of extract_memory before the model is called; after it, see effects.py.

Whoever changes the progress of a conversation locks it first, in a statement of its
own: the next one then sees what the other one committed. Locks are taken in one order,
user, conversation, progress, outbox, as kiloscale.defer_extraction and a deletion of
the conversation take them.
"""

BEGIN_PROGRESS = "select kiloscale.begin_memory_progress(%s)"
LOCK_PROGRESS = """
select from kiloscale.memory_progress where chat_id = %s for update
"""

# One consumer reads a conversation at a time: its lease on the progress is the token
# without which nothing is saved. The rows have leases too, so that the relay does not
# send what is being worked on.
#
# What was committed late, with a time before that of what was read already, is unread
# as well: hence the ids of the last minute. In a conversation of several people the
# others' messages are not read. A call is counted only if there is something to read.
#
# The conversation is named twice where messages are read: of c.chat_id the planner
# takes an average one's, and would fetch and sort all of a long one (4,000 messages:
# 3,850 pages and 8 to 20 ms; so 110 and 1).
TAKE = """
with wanted as (
    select o.id, o.payload, o.leased_until
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
      join kiloscale.memory_progress p on p.chat_id = %(chat_id)s
     where o.id = w.id
       and (w.leased_until is null or w.leased_until <= now())
       and (p.reading_until is null or p.reading_until <= now())
    returning o.id, o.payload
), asked as (
    select case when bool_and(l.payload ->> 'window' is not null)
                then max((l.payload ->> 'window')::integer) end as window,
           coalesce(max((l.payload ->> 'idle_s')::integer), 0) as idle_s
      from lease l
    having count(*) > 0
), progress as (
    update kiloscale.memory_progress p
       set reading_until = now() + make_interval(secs => %(lease_s)s)
      from asked a
     where p.chat_id = %(chat_id)s
    returning p.*, a.window, a.idle_s
), conversation as (
    select p.*, c.user_id, c.mode::text as mode,
           coalesce(c.profile_id, (
               select l.id
                 from public.user_profile_list l
                where l.user_id = c.user_id and l.is_primary
                limit 1)) as profile_id
      from progress p
      join public.conversations c on c.id = p.chat_id
), newest as (
    select m.created_at, m.id
      from lease l
      join public.messages m on m.id = (l.payload ->> 'message_id')::uuid
     order by m.created_at desc, m.id desc
     limit 1
), unread as (
    select u.*, row_number() over (order by u.created_at, u.id) as rank
      from conversation c
     cross join lateral (
        select v.id, v.role, v.text, v.mode, v.created_at
          from public.active_messages v
         where c.window is null
           and v.chat_id = c.chat_id
           and v.chat_id = %(chat_id)s::uuid
           and v.created_at > c.read_through - make_interval(secs => %(late_s)s)
           and v.id <> all (c.read_ids)
           and v.status = 'complete'
           and (v.role = 'assistant'
                or v.role = 'user' and coalesce(v.user_id, c.user_id) = c.user_id)
         order by v.created_at, v.id
         limit 2 * %(messages)s) u
), recent as (
    select r.*
      from conversation c
     cross join newest n
     cross join lateral (
        select v.id, v.role, v.text, v.mode, v.created_at
          from public.active_messages v
         where v.chat_id = c.chat_id
           and v.chat_id = %(chat_id)s::uuid
           and (v.created_at, v.id) <= (n.created_at, n.id)
           and v.status = 'complete'
           and (v.role = 'assistant'
                or v.role = 'user' and coalesce(v.user_id, c.user_id) = c.user_id)
         order by v.created_at desc, v.id desc
         limit c.window) r
     where c.window is not null
), context as (
    select x.*
      from conversation c
      join unread u on u.rank = 1
     cross join lateral (
        select v.id, v.role, v.text, v.mode, v.created_at
          from public.active_messages v
         where v.chat_id = c.chat_id
           and v.chat_id = %(chat_id)s::uuid
           and (v.created_at, v.id) < (u.created_at, u.id)
           and v.status = 'complete'
           and (v.role = 'assistant'
                or v.role = 'user' and coalesce(v.user_id, c.user_id) = c.user_id)
         order by v.created_at desc, v.id desc
         limit %(context)s) x
), reading as (
    select u.id, u.role, u.text, u.mode, u.created_at, false as is_read
      from unread u
     where u.rank <= %(messages)s
    union all
    select r.id, r.role, r.text, r.mode, r.created_at, false from recent r
    union all
    select x.id, x.role, x.text, x.mode, x.created_at, true from context x
), hit as (
    insert into kiloscale.rate_limits as r (scope, subject, window_started_at, hits)
    select %(scope)s, c.user_id::text, now(), 1
      from conversation c
     where exists (select from reading g where g.role = 'user' and not g.is_read)
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
)
select (select coalesce(array_agg(w.id), '{}') from wanted w) as waiting,
       (select coalesce(array_agg(l.id), '{}') from lease l) as leased,
       exists (select from public.conversations c where c.id = %(chat_id)s) as is_there,
       exists (select from hit) as is_admitted,
       (select jsonb_build_object(
           'chat_id', c.chat_id,
           'user_id', c.user_id,
           'profile_id', c.profile_id,
           'mode', coalesce((
               select g.mode::text
                 from reading g
                where not g.is_read
                order by g.created_at desc, g.id desc
                limit 1), c.mode),
           'messages', (
               select coalesce(
                          jsonb_agg(
                              jsonb_build_object(
                                  'id', g.id,
                                  'role', g.role,
                                  'text', case g.role
                                      when 'user' then left(g.text, %(text_max)s)
                                      else right(g.text, %(answer_text_max)s) end,
                                  'is_read', g.is_read)
                              order by g.created_at, g.id),
                          '[]')
                 from reading g),
           'read_through', (
               select max(g.created_at) from reading g where not g.is_read),
           'left_over', (
               select count(*) from unread u where u.rank > %(messages)s),
           'turns', c.turns_waiting,
           'idle_s', c.idle_s,
           'token', c.reading_until,
           'is_window', c.window is not null)
          from conversation c) as conversation
"""

DISCARD = "delete from kiloscale.outbox where id = any (%s)"
