"""The one statement of llm_handler before the model is called."""

# Everything that a turn needs rides along with the lease: message, history above the
# archival watermark, memories, summary, and the user's budget.
#
# The lease lets one consumer call the model: `update` waits for a concurrent lease and
# then sees it. A consumer that dies leaves its lease to run out, and with it what it
# held of the budget.
#
# A summary covers what was said up to its `created_at`. The history is the last
# messages and, should there be more, all that no summary covers yet: turns come in
# without this service as well.
#
# `budget` runs because the last part reads it, and once, because it has its own
# materialised result. A token is a byte or more of the text: see `Rates.at_most`.
TAKE = """
with lease as (
    update kiloscale.outbox o
       set leased_until = now() + make_interval(secs => %(lease_s)s)
     where o.id = %(outbox_id)s
       and (o.leased_until is null or o.leased_until <= now())
    returning (o.payload ->> 'message_id')::uuid as message_id, o.leased_until
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
), summary as (
    select s.summary_text, s.created_at
      from message m
     cross join lateral (
        select x.summary_text, x.created_at
          from public.conversation_summaries x
         where x.chat_id = m.chat_id
         order by x.created_at desc
         limit 1) s
), reach as materialized (
    select case
               when x.summarised >= x.newest then x.newest
               else greatest(
                        x.summarised,
                        coalesce(
                            kiloscale.history_reach(
                                x.chat_id, x.created_at, %(history_max)s),
                            '-infinity'))
           end as since,
           x.summarised
      from (
        select m.chat_id, m.created_at,
               coalesce(
                   kiloscale.history_reach(m.chat_id, m.created_at, %(history)s),
                   '-infinity') as newest,
               coalesce((select s.created_at from summary s), '-infinity') as summarised
          from message m
        offset 0) x
), history as materialized (
    select h.id, h.role, h.text, h.user_id, h.created_at,
           -- The app's table need not have this column.
           to_jsonb(h) ->> 'user_name' as user_name,
           h.created_at > r.summarised as is_new
      from message m
     cross join reach r
     cross join lateral (
        select a.*,
               row_number() over newest_first as age,
               sum(octet_length(a.text)) over newest_first as bytes
          from public.active_messages a
         where a.chat_id = m.chat_id
           and a.created_at >= r.since
           and (a.created_at, a.id) <= (m.created_at, m.id)
           and a.role in ('user', 'assistant')
           and a.status = 'complete'
           and (a.meta ? 'refused') is not true
        window newest_first as (
            order by a.created_at desc, a.id desc rows unbounded preceding)) h
     where (h.age <= %(history)s
            or h.age <= %(history_max)s and h.created_at > r.summarised)
       and (h.age = 1 or h.bytes <= %(history_bytes)s)
), memory as materialized (
    select u.id, u.memory_text, u.rank
      from message m
     cross join lateral (
        select u.id, u.memory_text,
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
), ceiling as (
    select m.user_id,
           %(fixed_microusd)s::bigint + ceil(%(input_usd)s::float8 * (
               (select coalesce(sum(octet_length(h.text)
                                    + coalesce(octet_length(h.user_name) + 2, 0)
                                    + %(turn_tokens)s::integer), 0)
                  from history h)
               + (select coalesce(sum(octet_length(y.memory_text) + 3), 0)
                    from memory y)
               + coalesce((select octet_length(s.summary_text) from summary s), 0)
           ))::bigint as microusd
      from message m
), budget as materialized (
    select x.microusd,
           kiloscale.hold_llm_budget(
               %(outbox_id)s, x.user_id, x.microusd, %(day_microusd)s, %(lease_s)s
           ) as state
      from ceiling x
)
select exists (select from kiloscale.outbox where id = %(outbox_id)s) as is_waiting,
       (select l.leased_until from lease l) as leased_until,
       (select jsonb_build_object(
           'message_id', m.id,
           'chat_id', m.chat_id,
           'user_id', m.user_id,
           'history', (
               select coalesce(
                          jsonb_agg(
                              jsonb_build_object(
                                  'role', h.role, 'text', h.text,
                                  'user_id', h.user_id, 'user_name', h.user_name)
                              order by h.created_at, h.id),
                          '[]')
                 from history h),
           'unsummarised', (select count(*) from history h where h.is_new),
           'message_count', (
               select count(*)
                 from (select from public.messages n
                        where n.chat_id = m.chat_id
                        limit %(mature_at)s) n),
           'memories', (
               select coalesce(
                          jsonb_agg(
                              jsonb_build_object('id', y.id, 'text', y.memory_text)
                              order by y.rank),
                          '[]')
                 from memory y),
           'summary', (select s.summary_text from summary s),
           'budget', (select b.state from budget b),
           'ceiling_microusd', (select b.microusd from budget b),
           'has_realtime',
               to_regprocedure('realtime.send(jsonb,text,text,boolean)') is not null)
          from message m) as message
"""
