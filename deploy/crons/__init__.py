"""The pg_cron jobs of one database: brought to what is declared, run, verified."""
