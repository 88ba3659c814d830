-- Webhook events low to high, over 12 months; one in a hundred was never processed.

insert into public.stripe_webhook_events (stripe_event_id, stripe_event_type, payload,
    processed, created_at)
select 'evt_demo_' || g,
    (array['invoice.paid', 'customer.subscription.updated',
        'checkout.session.completed'])[1 + mod(g, 3)],
    jsonb_build_object('id', 'evt_demo_' || g, 'object', 'event', 'data',
        jsonb_build_object('note', left(t.t, 1200))),
    mod(g, 100) <> 0, now() - interval '12 months' * random()
from generate_series(%(low)s, %(high)s) g
join demo_text t on t.k = mod(g, 512);
