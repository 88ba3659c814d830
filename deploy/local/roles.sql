-- Roles of a Supabase project, as far as the app and Kiloscale can tell them apart.
--
-- Run once for a cluster, as its superuser. Source: supabase/postgres,
-- migrations/db/init-scripts, and the limits of "Timeouts" in Supabase's docs.

CREATE ROLE anon NOLOGIN NOINHERIT;
CREATE ROLE authenticated NOLOGIN NOINHERIT;
CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
CREATE ROLE authenticator LOGIN NOINHERIT;  -- without a password nobody can log in
CREATE ROLE postgres LOGIN CREATEROLE CREATEDB REPLICATION BYPASSRLS;

GRANT anon, authenticated, service_role TO authenticator, postgres;
GRANT pg_monitor, pg_signal_backend TO postgres;

ALTER ROLE anon SET statement_timeout = '3s';
ALTER ROLE authenticated SET statement_timeout = '8s';
ALTER ROLE authenticator SET statement_timeout = '8s';
ALTER ROLE postgres SET statement_timeout = '2min';
ALTER ROLE postgres SET search_path = "$user", public, extensions;
