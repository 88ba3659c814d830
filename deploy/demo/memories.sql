-- Memories low to high, each of one message of a user; few are used often.

insert into public.user_memory (user_id, profile_id, conversation_id,
    source_message_id, memory_text, memory_type, confidence_score, reference_count,
    last_referenced_at, is_active, canonical_hash, origin_mode, created_at)
select u.id, u.profile_id, c.id, m.id,
    substr(t.t, 1 + mod(m.h, 900), 60 + mod(m.h, 120)),
    (array['fact', 'emotion', 'goal', 'pattern', 'relationship'])[1 + mod(m.h, 5)]
        ::public.memory_type,
    0.82 + random() * 0.17, floor(power(random(), 4) * 200)::int,
    m.ts + (now() - m.ts) * random(), random() < 0.85, md5(m.id::text), c.mode, m.ts
from demo_memory d
join demo_message m on m.n = d.message
join demo_conversation c on c.i = m.c
join demo_user u on u.i = c.u
join demo_text t on t.k = mod(m.h, 512)
where d.n between %(low)s and %(high)s;
