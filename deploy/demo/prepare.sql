-- Plans the whole data set in temporary tables: who wrote what, and when.
--
-- Ages: three in five conversations ended over 6 months ago, two within; all started
-- within 18 months. Texts are cut from a pool of short rows: a long pooled value would
-- be decompressed once for each message.

select setseed(0.42);

create temp table demo_text as
select k, (
    select string_agg(word.words[1 + floor(random() * cardinality(word.words))::int], ' ')
    from (select string_to_array('the a and you i we it that this of in for with my'
        ' your our is was feels seems moves could would maybe because after before'
        ' today tonight week month morning evening work home family friend sister'
        ' mother love career money sleep rest energy moon mercury venus saturn chart'
        ' house sign question answer plan idea garden river music letter journey quiet'
        ' strange gentle honest tired hopeful different small open', ' ')
        as words) word, generate_series(1, 300 + 0 * k)
) as t
from generate_series(0, 511) k;

create temp table demo_user as
select i, gen_random_uuid() as id, gen_random_uuid() as profile_id,
    now() - interval '18 months' * random() as created_at
from generate_series(1, %(users)s) i;

create temp table demo_conversation as
with one as (
    select n, random() as age, random() as span, random() as kind,
        random() < 0.60 as is_inactive,
        -- Active users own more conversations than others.
        1 + floor(power(random(), 2) * %(users)s)::int as u
    from unnest(%(lengths)s::int[]) n
), dated as (
    select one.*, case when is_inactive
        then now() - interval '6 months 1 day' - interval '11 months' * age
        else now() - interval '6 months' * age * age end as ended_at
    from one
)
select row_number() over (order by random()) as i, gen_random_uuid() as id, u, n,
    greatest(now() - interval '18 months', ended_at - interval '1 day'
        - interval '4 months' * span * least(1.0, n / 100.0)) as started_at,
    ended_at, kind > 0.6 as has_prompt, span < 0.5 as has_profile,
    case when kind < 0.6 then 'chat' when kind < 0.85 then 'astro'
        when kind < 0.95 then 'insight' else 'together' end as mode
from dated;

create temp table demo_message as
select row_number() over (order by m.ts, m.c, m.k) as n, gen_random_uuid() as id, m.*
from (
    select c.i as c, k,
        c.started_at
            + (c.ended_at - c.started_at) * ((k - 1 + 0.9 * random()) / c.n) as ts,
        floor(random() * 16777216)::int as h,
        case when c.has_prompt and k = 1 then 'system'
            when (mod(k, 2) = 0) = c.has_prompt then 'user'
            else 'assistant' end as role
    from demo_conversation c
    cross join lateral generate_series(1, c.n) k
) m;

create temp table demo_memory as
select row_number() over () as n, m.n as message
from (
    select n from demo_message where role = 'user' order by random()
    limit %(memories)s
) m;

alter table demo_conversation
    add column last_user_at timestamptz, add column last_assistant_at timestamptz,
    add column turns int;
update demo_conversation c
set last_user_at = m.last_user_at, last_assistant_at = m.last_assistant_at,
    turns = m.turns
from (
    select d.c, max(d.ts) filter (where d.role = 'user') as last_user_at,
        max(d.ts) filter (where d.role = 'assistant') as last_assistant_at,
        count(*) filter (where d.role = 'assistant') as turns
    from demo_message d group by d.c
) m
where m.c = c.i;

-- Nobody writes before they sign up.
update demo_user u
set created_at = least(u.created_at, c.first_at)
from (select c.u, min(c.started_at) as first_at from demo_conversation c group by c.u) c
where c.u = u.i;

create unique index on demo_text (k);
create unique index on demo_user (i);
create unique index on demo_conversation (i);
create unique index on demo_message (n);
create unique index on demo_memory (n);
analyze demo_text, demo_user, demo_conversation, demo_message, demo_memory;
