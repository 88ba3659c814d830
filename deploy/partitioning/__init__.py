"""Convert public.messages to hash partitions on chat_id while the app runs.

What happens in the database is in ``migrations/20251107001900_partition_messages.sql``;
here it is looked at, paced, repeated and told. ``docs/partitioning.md`` explains it.
"""
