import os
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from deploy.errors import DeployError
from deploy.local import cluster as clusters

pytestmark = pytest.mark.integration


@pytest.fixture
def other(cluster, own_folder):
    """A cluster that was not made yet."""
    return replace(cluster.cluster, folder=own_folder / "other")


def test_a_half_made_cluster_is_made_again(other):
    half = other.folder / "making-half" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("15\n")

    clusters.make(other, "password")

    assert (other.data / "global" / "pg_control").exists()
    assert sorted(path.name for path in other.folder.iterdir()) == ["data"]


def test_the_data_belongs_to_an_unprivileged_account(cluster):
    owner = cluster.cluster.data.stat().st_uid

    assert owner != 0
    assert cluster.cluster.data.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_no_cluster_is_not_overwritten(other):
    other = replace(other, folder=other.folder.with_name("foreign"))
    other.data.mkdir(parents=True)
    (other.data / "precious").touch()

    with pytest.raises(DeployError, match="not a PostgreSQL cluster"):
        clusters.make(other, "password")

    assert (other.data / "precious").exists()


def test_a_cluster_of_another_major_is_refused(cluster):
    newer = replace(cluster.cluster.installation, major=99)

    with pytest.raises(DeployError, match="this machine would run 99"):
        clusters.make(replace(cluster.cluster, installation=newer), "password")


@pytest.mark.parametrize("role", ["postgres", "kiloscale_admin", "authenticator"])
def test_nobody_gets_in_without_a_password(cluster, role):
    url = f"postgresql://{role}@127.0.0.1:{cluster.port}/postgres"

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, password="")


def test_there_is_no_unix_socket(cluster):
    with cluster.admin() as conn:
        shown = conn.execute("SHOW unix_socket_directories").fetchone()

    assert shown == ("",)
    assert not list(Path(cluster.cluster.folder).rglob(".s.PGSQL*"))


def test_role_postgres_is_what_it_is_on_supabase(cluster):
    with cluster.admin() as conn:
        row = conn.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication,"
            " rolbypassrls, pg_has_role('postgres', 'service_role', 'member'),"
            " pg_has_role('postgres', 'pg_monitor', 'member')"
            " FROM pg_roles WHERE rolname = 'postgres'"
        ).fetchone()

    assert row == (False, True, True, True, True, True, True)


def test_role_postgres_manages_its_jobs_and_their_history(cron_url):
    with psycopg.connect(cron_url) as conn:
        job = conn.execute("SELECT cron.schedule('j', '0 0 1 1 *', 'SELECT 1')")
        (number,) = job.fetchone()
        conn.execute("SELECT cron.alter_job(%s, schedule => '0 0 2 1 *')", [number])
        shown = conn.execute("SELECT jobname, schedule FROM cron.job").fetchall()
        conn.execute("DELETE FROM cron.job_run_details")
        conn.execute("SELECT cron.unschedule('j')")

    assert shown == [("j", "0 0 2 1 *")]


def test_role_postgres_cannot_write_jobs_directly(cron_url):
    with (
        psycopg.connect(cron_url) as conn,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        conn.execute("UPDATE cron.job SET schedule = '* * * * *'")


def test_a_new_table_in_public_is_open_to_anon_as_on_supabase(scratch_url):
    with psycopg.connect(scratch_url) as conn:
        conn.execute("CREATE TABLE leak (id int)")
        row = conn.execute(
            "SELECT has_table_privilege('anon', 'leak', 'select')"
        ).fetchone()

    assert row == (True,)


def test_settings_of_the_local_stack_keep_data_safe(cluster):
    settings = clusters._settings(replace(cluster.cluster, settings={}))

    assert "fsync" not in settings
    assert settings["listen_addresses"] == "127.0.0.1"
    assert settings["max_worker_processes"] == "30"
    assert settings["cron.use_background_workers"] == "on"


def test_the_making_does_not_leave_the_password(cluster):
    names = [name for _, _, files in os.walk(cluster.cluster.folder) for name in files]

    assert "password" not in names
