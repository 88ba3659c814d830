"""Pulumi's own server of dynamic providers, driven as the engine drives it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from provider_engine import Engine, RefusedError, job, served

from deploy.crons import sync
from deploy.database import connect
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from infra.catalog.pg_crons import PG_CRON_JOBS
from infra.pg_cron_provider import URL_KEY

pytestmark = pytest.mark.integration

JOBS = "select jobname::text, schedule, command, active from cron.job order by jobid"
REGISTRY = "select jobname, jobid, registered_at from kiloscale.cron_registry"
COMMAND = job()["command"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(tmp_path_factory.mktemp("provider")) as server:
        yield server


@pytest.fixture(scope="module")
def url(emptied):
    """The migrated database, once for all tests here."""
    url = emptied()
    apply(url, discover(REPOSITORY / "migrations"), lambda _: None)
    return url


@pytest.fixture
def conn(cluster, url):
    with cluster.admin() as admin:
        admin.execute("delete from cron.job")
        admin.execute("delete from kiloscale.cron_registry")
    with connect(url) as conn:
        yield conn


@pytest.fixture
def engine(server, conn, url):
    engine = Engine(server)
    engine.configure({URL_KEY: url})
    yield engine
    password = url.split(":")[2].partition("@")[0]
    assert not any(password in text for text in (*engine.answers, *engine.told()))


def test_a_job_lives_as_its_resource_does(engine, conn):
    inputs, failures = engine.check(job())
    assert failures == {}
    state = engine.create(inputs)
    made = conn.execute("select jobid::text from cron.job").fetchone()

    assert conn.execute(JOBS).fetchall() == [("tidy", "0 2 * * *", COMMAND, True)]
    assert (state["jobid"], state["role"], state["drift"]) == (*made, "postgres", [])
    assert engine.diff(state, inputs) == (False, [])
    assert engine.read(state) == (state, inputs)

    later, _ = engine.check(job(schedule="0 5 * * *"))
    assert engine.diff(state, later) == (True, [])
    state = engine.update(state, later)

    assert conn.execute(JOBS).fetchall() == [("tidy", "0 5 * * *", COMMAND, True)]
    assert state["jobid"] == made[0]
    (registered,) = conn.execute(REGISTRY).fetchall()
    assert (registered[0], str(registered[1])) == ("tidy", made[0])

    engine.delete(state)

    assert conn.execute(JOBS).fetchall() == []
    assert conn.execute(REGISTRY).fetchall() == []


def test_another_name_is_another_job(engine):
    state = engine.up()
    inputs, _ = engine.check(job(jobname="tidier"))

    assert engine.diff(state, inputs) == (True, ["jobname"])


@pytest.mark.parametrize("changed", [{"version": "0"}, {"command": "select 1"}])
def test_code_and_command_are_differences(engine, changed):
    state = engine.up()
    inputs, _ = engine.check(job(**changed))

    assert engine.diff(state, inputs) == (True, [])


def test_what_somebody_edited_is_found_by_a_refresh_and_set_right(engine, conn):
    state = engine.up()
    inputs, _ = engine.check(job())
    conn.execute(
        "select cron.schedule('tidy', '0 9 * * *', 'select pg_sleep(0), ''eyJa.b.c''')"
    )
    assert engine.diff(state, inputs) == (False, [])

    refreshed, shown = engine.read(state)

    assert (refreshed["schedule"], shown["schedule"]) == ("0 9 * * *", "0 9 * * *")
    assert refreshed["command"] == "select pg_sleep(0), '***'"
    assert engine.diff(refreshed, inputs) == (True, [])
    engine.update(refreshed, inputs)
    assert conn.execute(JOBS).fetchall() == [("tidy", "0 2 * * *", COMMAND, True)]


def test_a_job_that_was_switched_off_is_drift_with_its_reason(engine, cluster, conn):
    state = engine.up()
    inputs, _ = engine.check(job())
    with cluster.admin() as admin:
        admin.execute("update cron.job set active = false")

    refreshed, shown = engine.read(state)

    reason = ["active is 'false', declared 'true'"]
    assert (refreshed["drift"], shown["drift"]) == (reason, reason)
    assert engine.diff(refreshed, inputs) == (True, [])
    assert engine.update(refreshed, inputs)["drift"] == []
    assert conn.execute(JOBS).fetchall() == [("tidy", "0 2 * * *", COMMAND, True)]


def test_a_job_that_is_gone_is_gone_for_a_refresh_and_a_delete(engine, conn):
    state = engine.up()
    conn.execute("select cron.unschedule('tidy')")

    assert engine.read(state) is None
    engine.delete(state)

    assert conn.execute(REGISTRY).fetchall() == []


def test_a_job_that_somebody_made_again_is_not_ours_any_more(engine, conn):
    state = engine.up()
    inputs, _ = engine.check(job())
    conn.execute("select cron.unschedule('tidy')")
    conn.execute("select cron.schedule('tidy', '0 9 * * *', 'select 42')")
    theirs = conn.execute("select * from cron.job").fetchall()

    assert engine.read(state) is None
    with pytest.raises(RefusedError, match="is not in the registry"):
        engine.update(state, inputs)
    engine.delete(state)

    assert conn.execute("select * from cron.job").fetchall() == theirs
    assert engine.told()[-1].endswith("of that name is not ours and was left alone")


def test_a_foreign_job_is_refused_with_the_command_that_takes_it_over(engine, conn):
    conn.execute(
        "select cron.schedule('tidy', '0 9 * * *', 'select ''Bearer s3cr3t''')"
    )
    theirs = conn.execute("select * from cron.job").fetchall()

    with pytest.raises(RefusedError) as caught:
        engine.up()

    lines = str(caught.value).splitlines()
    assert lines[-1] == "-> ./bootstrap crons.adopt --job tidy --stack production"
    assert "0 9 * * * select 'Bearer ***'" in lines[-2]
    assert "s3cr3t" not in str(caught.value)
    assert conn.execute("select * from cron.job").fetchall() == theirs
    assert conn.execute(REGISTRY).fetchall() == []


def test_an_answer_that_was_lost_costs_nothing_but_a_second_call(engine, conn):
    first = engine.up()
    registered = conn.execute(REGISTRY).fetchall()

    assert engine.up() == first

    assert conn.execute(REGISTRY).fetchall() == registered


def test_jobs_that_are_made_at_once_are_all_made(engine, conn):
    with ThreadPoolExecutor(len(PG_CRON_JOBS)) as threads:
        made = threads.map(
            lambda each: engine.up(
                jobname=each.name, schedule=each.schedule, command=each.command
            ),
            PG_CRON_JOBS,
        )
        ids = {state["jobid"] for state in made}

    assert {str(jobid) for _, jobid, _ in conn.execute(REGISTRY).fetchall()} == ids
    assert {each.action for each in sync.diff(conn, PG_CRON_JOBS)} == {"none"}


def test_checklist_and_provider_agree_whoever_comes_first(engine, conn):
    *firsts, last = [
        engine.check(
            job(jobname=each.name, schedule=each.schedule, command=each.command)
        )[0]
        for each in PG_CRON_JOBS
    ]
    for inputs in firsts:
        engine.create(inputs)

    changes = sync.apply(conn, sync.diff(conn, PG_CRON_JOBS))

    assert [(each.action, each.name) for each in changes] == [
        ("schedule", last["jobname"])
    ]
    registered = conn.execute(REGISTRY).fetchall()
    engine.create(last)
    assert conn.execute(REGISTRY).fetchall() == registered
    assert {each.action for each in sync.diff(conn, PG_CRON_JOBS)} == {"none"}


def test_what_the_catalog_dropped_the_checklist_may_have_ended_before(engine, conn):
    state = engine.up()
    sync.apply(conn, sync.diff(conn, PG_CRON_JOBS))

    engine.delete(state)

    names = [name for name, *_ in conn.execute(JOBS).fetchall()]
    assert names == [each.name for each in PG_CRON_JOBS]


@pytest.mark.parametrize(
    ("wrong", "key", "reason"),
    [
        ({"schedule": "61 * * * *"}, "schedule", "'61 * * * *' is not a cron schedule"),
        ({"schedule": "0 4 31 2 *"}, "schedule", "0 4 31 2 * is never due"),
        ({"schedule": "10 seconds"}, "schedule", "must be five fields"),
        ({"jobname": "x" * 64}, "jobname", "must have at most 63 bytes, got 64"),
        ({"command": " "}, "command", "must be one SQL statement, and is empty"),
        ({"command": "set a = 1; call p()"}, "command", "got several: set a = 1"),
    ],
)
def test_what_could_never_run_is_refused_before_anything_changes(
    engine, wrong, key, reason
):
    _, failures = engine.check(job(**wrong))

    assert list(failures) == [key]
    assert reason in failures[key]


def test_a_schedule_that_only_pg_cron_refuses_leaves_nothing(engine, conn):
    inputs, _ = engine.check(job())

    with pytest.raises(RefusedError, match="pg_cron refused tidy: invalid schedule"):
        engine.create({**inputs, "schedule": "61 * * * *"})

    assert conn.execute(JOBS).fetchall() == []


def test_a_database_that_is_away_is_named_without_its_password(engine):
    engine.configure({URL_KEY: "postgresql://app:s3cr3t@127.0.0.1:1/app"})
    state = job(database="app@127.0.0.1:1/app")

    for call in (engine.read, lambda _: engine.up()):
        with pytest.raises(RefusedError) as caught:
            call(state)
        assert "cannot connect to postgresql://app@127.0.0.1:1/app" in str(caught.value)
        assert str(caught.value).splitlines()[-1].startswith("-> check that PostgreSQL")
        assert "s3cr3t" not in str(caught.value)


def test_a_database_that_is_gone_for_good_can_be_forgotten(engine):
    engine.configure({URL_KEY: "postgresql://app:s3cr3t@127.0.0.1:1/app"})
    gone = job(database="app@127.0.0.1:1/app")

    with pytest.raises(RefusedError, match="Connection refused") as caught:
        engine.delete(gone)

    assert str(caught.value).splitlines()[-1] == (
        "-> if that database is gone for good, forget the job:"
        " pulumi state delete --stack production"
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "kiloscale:databaseUrl: is missing"),
        ({URL_KEY: "postgresql://u:p@ss4@h/d"}, "URL cannot be read"),
    ],
)
def test_a_database_url_that_is_wrong_is_refused_in_check(engine, values, reason):
    engine.configure(values)

    _, failures = engine.check(job())

    assert reason in failures["database"]
    assert "ss4" not in failures["database"]
    remedy = "-> pulumi config set --secret databaseUrl --stack production"
    assert failures["database"].splitlines()[-1] == remedy


def test_another_database_is_a_change_and_never_deleted_from(
    engine, cluster, conn, url
):
    state = engine.up()
    engine.configure({URL_KEY: url.replace("127.0.0.1", "localhost")})
    inputs, _ = engine.check(job())

    with pytest.raises(RefusedError, match=r"was scheduled in postgres@127\.0"):
        engine.delete(state)
    assert engine.read(state) == (state, {})
    assert engine.diff(state, inputs) == (True, [])
    moved = engine.update(state, inputs)

    assert moved == {**state, "database": inputs["database"]}
    assert engine.told()[-1].startswith(f"tidy: now scheduled in {moved['database']};")
    engine.delete(moved)
    assert conn.execute(JOBS).fetchall() == []


def test_without_the_migrations_the_command_that_runs_them_is_named(engine, conn):
    state = engine.up()
    conn.execute("alter table kiloscale.cron_registry rename to away")

    with pytest.raises(RefusedError) as caught:
        engine.up(jobname="tidier")
    with pytest.raises(RefusedError, match=r"select cron.unschedule\(\d+\);"):
        engine.delete(state)

    remedy = "-> ./bootstrap deploy --only migrations --stack production"
    assert str(caught.value).splitlines()[-1] == remedy
    conn.execute("select cron.unschedule('tidy')")
    engine.delete(state)
    conn.execute("alter table kiloscale.away rename to cron_registry")


def test_a_job_that_another_role_registered_is_left_to_it(engine, cluster, conn):
    state = engine.up()
    with cluster.admin() as admin:
        admin.execute("delete from cron.job")  # or: is not shown to role postgres
        admin.execute("update kiloscale.cron_registry set username = 'kiloscale_admin'")

    for call in (engine.read, engine.delete):
        with pytest.raises(RefusedError, match="registered by role kiloscale_admin"):
            call(state)
    assert len(conn.execute(REGISTRY).fetchall()) == 1


def test_only_what_the_provider_needs_to_know_is_in_the_state(engine, url):
    state = engine.up()

    assert set(state) == {
        *job(),
        *("database", "jobid", "role", "drift"),
    }
    place = replace_password(url)
    assert state["database"] == place


def replace_password(url):
    user, _, host = url.removeprefix("postgresql://").partition("@")
    return f"{user.partition(':')[0]}@{host}"
