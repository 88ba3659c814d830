"""The local stack: PostgreSQL, the AWS emulator and the Supabase stand-in."""
