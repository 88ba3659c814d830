-- Users low to high: account, profile, usage counter. One in five pays.

insert into auth.users (id, email, created_at)
select u.id, 'user' || u.i || '@demo.invalid', u.created_at
from demo_user u where u.i between %(low)s and %(high)s;

insert into public.profiles (id, email, subscription_plan, subscription_status,
    subscription_active)
select u.id, 'user' || u.i || '@demo.invalid',
    case when mod(u.i, 5) = 0 then 'growth' else 'free' end,
    case when mod(u.i, 5) = 0 then 'active' else 'inactive' end, mod(u.i, 5) = 0
from demo_user u where u.i between %(low)s and %(high)s;

insert into public.user_profile_list (id, user_id, profile_name, is_primary)
select u.profile_id, u.id, 'Main', true
from demo_user u where u.i between %(low)s and %(high)s;

insert into public.feature_usage (user_id, chat_messages, images_generated,
    insights_count, last_reset_date)
select u.id, floor(random() * 60)::int, floor(random() * 3)::int,
    floor(random() * 5)::int, current_date
from demo_user u where u.i between %(low)s and %(high)s;
