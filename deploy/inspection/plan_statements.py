"""The app's own hot statements that the plan speeds up, as its functions write them."""

CONVERSATION_LIST = """
select id, title, mode, created_at, updated_at
  from public.conversations
 where user_id = %(user_id)s and mode = %(mode)s
 order by created_at desc
 limit 50
"""
MEMORIES = """
select id, memory_text, memory_type, confidence_score, created_at, reference_count
  from public.user_memory
 where user_id = %(user_id)s and profile_id = %(profile_id)s and is_active
 order by reference_count desc, created_at desc
 limit 20
"""
CACHE = """
select cache_name, expires_at, system_data_hash
  from public.conversation_caches
 where chat_id = %(chat_id)s and expires_at > now()
"""
LATEST_SUMMARY = """
select summary_text
  from public.conversation_summaries
 where chat_id = %(chat_id)s
 order by created_at desc
 limit 1
"""
# What memory extraction reads: no role is asked for.
MEMORY_WINDOW = """
select id, role, text, created_at
  from public.messages
 where chat_id = %(chat_id)s and created_at <= %(at)s and status = 'complete'
 order by created_at desc
 limit 8
"""
MESSAGE_COUNT = "select count(*) from public.messages where chat_id = %(chat_id)s"
RETRY = """
select id from public.messages
 where chat_id = %(chat_id)s and client_msg_id = %(client_msg_id)s
"""
HISTORY_REACH = "select kiloscale.history_reach(%(chat_id)s, %(at)s, 20)"
DELETED_USER = """
select count(*) from public.user_memory where user_id = %(user_id)s
"""
