import psycopg
import pytest

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("round", [1, 2])
def test_a_scratch_database_is_fresh_and_not_a_superusers(scratch_url, round):
    with psycopg.connect(scratch_url) as conn:
        conn.execute("CREATE TABLE leftovers (user_id uuid REFERENCES auth.users)")
        conn.commit()
        superuser = conn.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert superuser == (False,)


@pytest.mark.parametrize("round", [1, 2])
def test_the_cron_database_is_emptied(cron_url, round):
    with psycopg.connect(cron_url) as conn:
        conn.execute("CREATE TABLE leftovers (id int)")
        conn.execute("SELECT cron.schedule('leftover', '* * * * *', 'SELECT 1')")
        jobs = conn.execute("SELECT jobname FROM cron.job").fetchall()

    assert jobs == [("leftover",)]


def test_a_plain_database_has_no_supabase_roles(plain_url):
    with psycopg.connect(plain_url) as conn:
        roles = conn.execute(
            "SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'postgres')"
        ).fetchall()

    assert roles == []


def test_the_local_stack_answers(local_stack):
    with psycopg.connect(local_stack.database_url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
