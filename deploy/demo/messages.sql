-- Messages low to high in the order of time, as a live table has them.

insert into public.messages (id, chat_id, role, text, created_at, client_msg_id,
    status, mode, user_id, user_name, message_number)
select m.id, c.id, m.role,
    substr(t.t, 1 + mod(m.h, 97), case m.role when 'user' then 20 + mod(m.h, 120)
        when 'system' then 1400 else 250 + mod(m.h, 700) end),
    m.ts, gen_random_uuid(),
    case when mod(m.h, 997) = 0 then 'failed' else 'complete' end,
    c.mode, u.id, 'User ' || u.i, m.k
from demo_message m
join demo_conversation c on c.i = m.c
join demo_user u on u.i = c.u
join demo_text t on t.k = mod(m.h, 512)
where m.n between %(low)s and %(high)s
order by m.n;
