-- pg_cron with the grants that Supabase gives role postgres.
--
-- Run once, as the superuser, in the database that cron.database_name names. Source:
-- supabase/postgres, extension hook "pg_cron" and pull request 780: role postgres
-- changes jobs through functions only and may purge the history.

-- Not in public: dropping that schema must not take the jobs with it.
CREATE EXTENSION pg_cron SCHEMA pg_catalog;
GRANT USAGE ON SCHEMA cron TO postgres;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cron TO postgres;
GRANT SELECT ON cron.job TO postgres;
GRANT ALL ON cron.job_run_details TO postgres;
