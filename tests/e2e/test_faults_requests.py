"""What a person can ask wrongly, or set up wrongly for a cloud stack.

The cloud stack is a copy of the example's settings with one of our test servers.
"""

import os
import re
import shutil
import signal

import psycopg
import pytest

pytestmark = pytest.mark.e2e

CLOUD = ("--stack", "cloudy", "--yes", "--only", "database,migrations,crons")
VARIABLE = "KILOSCALE_DATABASE_URL"
EDITED = "20251107000200_kiloscale_schema.sql"
FOREIGN_JOB = "snapshot-health"


@pytest.fixture(scope="module")
def cloud(project):
    """A copy of the repository with a stack named cloudy."""
    example = project.folder / "Pulumi.production.example.yaml"
    shutil.copy(example, project.folder / "Pulumi.cloudy.yaml")
    return project


@pytest.fixture
def deploy(cloud):
    """Deploy the cloud stack with a database URL."""
    return lambda url: cloud.deploy(*CLOUD, **{VARIABLE: url})


@pytest.fixture
def visitor_url(cluster, cron_url):
    """The same database, as a role without rights."""
    with cluster.admin() as conn:
        conn.execute("CREATE ROLE visitor LOGIN PASSWORD 'visitor-password'")
    yield re.sub("//.*@", "//visitor:visitor-password@", cron_url)
    with cluster.admin() as conn:
        conn.execute("DROP OWNED BY visitor; DROP ROLE visitor")


@pytest.mark.parametrize(
    ("arguments", "words", "remedy"),
    [
        (
            ["--stack", "prod"],
            "no stack named 'prod': there is no Pulumi.prod.yaml; known: cloudy, local",
            "cp Pulumi.production.example.yaml Pulumi.prod.yaml",
        ),
        (
            ["--only", "migration"],
            "no step named migration; the steps are preflight, database, ",
            "./bootstrap deploy --help",
        ),
        (["--only", ","], "--only ',' names no step", "./bootstrap deploy --help"),
        (["--resume"], "no deploy to resume: none began", "./bootstrap deploy"),
        (
            ["--only", "crons", "--from", "crons"],
            "--only, --from and --resume exclude each other",
            "./bootstrap deploy --help",
        ),
    ],
)
def test_a_wrong_request_changes_nothing(cloud, arguments, words, remedy):
    refused = cloud.deploy(*arguments)

    assert refused.code == 2
    assert refused.failed["title"].startswith(words)
    assert "othing was changed" in refused.failed["title"]
    assert refused.failed["remedy"] == remedy
    assert not (cloud.state / "stack.json").exists()


@pytest.mark.parametrize(
    ("url", "code", "words", "remedy"),
    [
        ("", 2, f"{VARIABLE} is not set", f"export {VARIABLE}=postgresql://..."),
        (
            "postgresql://app:pass@word@host/x",
            2,
            "the database's connection URL cannot be read (it is not shown",
            "write it as postgresql://ROLE:PASSWORD@HOST:5432/DATABASE",
        ),
        (
            "postgresql://app:hidden@127.0.0.1:9/app",
            4,
            "cannot connect to postgresql://app@127.0.0.1:9/app: Connection refused",
            "check that PostgreSQL listens there: pg_isready -d postgresql://app@",
        ),
    ],
)
def test_a_database_that_cannot_be_reached_is_named(deploy, url, code, words, remedy):
    refused = deploy(url)

    assert refused.code == code
    assert refused.failed["title"].startswith(words)
    assert refused.failed["remedy"].startswith(remedy)
    assert "hidden" not in str(refused)


def test_a_wrong_password_exits_3_and_is_not_shown(deploy, cron_url):
    refused = deploy(re.sub(":[^:]*@", ":not-the-password@", cron_url))

    assert refused.code == 3
    assert "password authentication failed for user" in refused.failed["title"]
    assert refused.failed["remedy"] == "check role and password in the database URL"
    assert "not-the-password" not in str(refused)
    assert deploy(cron_url).works


def test_a_role_without_rights_is_named_with_the_grant(deploy, cron_url, visitor_url):
    refused = deploy(visitor_url)

    assert refused.code == 4
    assert refused.failed["title"] == (
        "role visitor may not create in schema public: migrations would fail"
    )
    assert refused.failed["remedy"] == (
        "as the owner: grant create on schema public to visitor"
    )
    assert deploy(cron_url).works


def test_rights_that_are_not_enough_end_with_the_next_one(
    deploy, cluster, cron_url, visitor_url
):
    with cluster.admin() as conn:
        conn.execute("GRANT CREATE ON SCHEMA public TO visitor")

    refused = deploy(visitor_url)

    assert refused.code in (3, 4)
    assert "permission denied for" in refused.failed["title"]
    assert refused.failed["remedy"]
    assert deploy(cron_url).works


def test_a_database_without_pg_cron_is_told_how_to_get_it(deploy, plain_url, cron_url):
    refused = deploy(plain_url)

    assert refused.code == 4
    assert refused.failed["id"] == "database.pg-cron"
    assert refused.failed["title"] == "pg_cron is not installed here"
    assert refused.failed["remedy"].startswith("create extension pg_cron")
    assert not refused.report["changed"]
    assert deploy(cron_url).works


def test_a_job_of_the_same_name_is_left_alone(cloud, deploy, cron_url):
    with psycopg.connect(cron_url, autocommit=True) as conn:
        theirs = "SELECT cron.schedule(%s, '7 7 * * *', 'SELECT 7')"
        (number,) = conn.execute(theirs, [FOREIGN_JOB]).fetchone()

        refused = deploy(cron_url)

        kept = conn.execute("SELECT command FROM cron.job").fetchall()
        assert kept == [("SELECT 7",)]
    remedy = f"./bootstrap crons.adopt --job {FOREIGN_JOB} --stack cloudy"
    assert refused.code == 5  # the migrations before it are applied
    assert f"{FOREIGN_JOB}: job {number} of role postgres" in refused.failed["title"]
    assert refused.failed["remedy"] == remedy
    adopted = cloud.run(*remedy.split()[1:], "--yes", **{VARIABLE: cron_url})
    assert adopted.works, adopted.report
    assert deploy(cron_url).works


def test_an_edited_migration_is_not_run(cloud, deploy, cron_url):
    assert deploy(cron_url).works
    file = cloud.folder / "migrations" / EDITED
    applied = file.read_text()
    file.write_text(f"{applied}\n-- An afterthought.\n")

    refused = deploy(cron_url)
    file.write_text(applied)

    assert refused.code == 4
    assert refused.failed["title"].startswith(
        f"{EDITED} was edited after it was applied: applied with SHA-256 "
    )
    assert refused.failed["remedy"] == f"git log -p -- migrations/{EDITED}"
    assert deploy(cron_url).works


def test_a_migration_that_fails_is_rolled_back_and_run_again(cloud, deploy, cron_url):
    assert deploy(cron_url).works
    file = cloud.folder / "migrations" / "29990101000000_broken.sql"
    header = (
        "-- Adds a table.\n--\n-- Phase:     expand\n-- Locks:     none\n"
        "-- Reversal:  drop table public.broken;\n-- Follow-up: none\n"
        "create table public.broken (id int);\n"
    )
    file.write_text(f"{header}select 1 / 0;\n")

    failed = deploy(cron_url)
    file.write_text(header)
    mended = deploy(cron_url)
    file.unlink()

    assert failed.code == 4
    assert failed.failed["title"].startswith(
        f"migrations/{file.name}:8: division by zero (SQLSTATE 22012)"
    )
    assert "nothing of it is applied" in failed.failed["title"]
    assert mended.works
    assert mended.report["changed"]


def test_a_migration_run_that_is_killed_goes_on(cloud, cron_url):
    url = {VARIABLE: cron_url}

    killed = cloud.deploy(*CLOUD, fault="sigkill migrations 5", **url)
    no_account = "preflight,bundles,infrastructure,functions,monitoring,alarms"
    resumed = cloud.deploy(
        "--stack", "cloudy", "--yes", "--resume", "--skip", no_account, **url
    )

    assert killed.code == -signal.SIGKILL
    assert resumed.works, resumed.report
    assert resumed.check("migrations.history")["status"] == "pass"


def test_without_node_the_checks_of_the_edge_are_skipped(cloud, folder):
    tools = folder / "tools"
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git") or os.devnull)

    seen = cloud.deploy("--only", "preflight", PATH=str(tools))

    assert seen.check("preflight.node")["status"] == "skipped"
    assert seen.check("preflight.node")["title"] == (
        "no Node.js: edge checks will be skipped"
    )
    assert seen.works
