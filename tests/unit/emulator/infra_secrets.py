"""Secrets of a cloud stack, made up."""

SECRETS = {
    "databaseUrl": "postgresql://postgres.abc:pw@aws-0-eu.pooler.supabase.com:6543/postgres",
    "jwtSecret": "j" * 40,
    "internalApiKey": "i" * 40,
    "supabaseServiceKey": "s" * 40,
    "geminiApiKey": "g" * 40,
    "alertWebhook": "https://hooks.example.com/services/T0/B0/x",
}
