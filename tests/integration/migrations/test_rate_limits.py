"""The functions of rate limits, and the limit of images, in a real database."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from infra.catalog.limits import IMAGES

pytestmark = pytest.mark.integration

HIT = "select * from kiloscale.hit_limit(%s, %s, %s, %s, %s)"
INSERT = "insert into public.image_generation_log (user_id) values (%s)"
BYTES_MAX = 250
"""Of a key, with its part of the index."""


def test_the_limit_of_images_is_the_catalogs(app):
    user = app.user()
    for _ in range(IMAGES.hits):
        app.run(INSERT, user)

    with pytest.raises(psycopg.Error) as refusal:
        app.run(INSERT, user)

    told = refusal.value.diag
    assert (told.sqlstate, told.message_detail) == ("PT429", IMAGES.name)
    assert told.message_primary == (
        f"the limit of {IMAGES.hits} images in {IMAGES.window_s} s is used up"
    )
    assert told.message_hint == f"The next one is admitted in {IMAGES.window_s} s."
    app.run(INSERT, app.user())


def test_images_are_admitted_again_when_the_window_has_ended(app):
    user = app.user()
    for _ in range(IMAGES.hits):
        app.run(INSERT, user)
    back = "update kiloscale.rate_limits set window_started_at = now() - %s::interval"

    app.run(back, f"{IMAGES.window_s - 5} seconds")
    with pytest.raises(psycopg.Error):
        app.run(INSERT, user)
    app.run(back, f"{IMAGES.window_s + 1} seconds")

    app.run(INSERT, user)


def test_an_image_that_is_rolled_back_counts_nothing(app):
    user = app.user()
    several = f"{INSERT}, (%s), (%s), (%s)"

    with pytest.raises(psycopg.Error):
        app.run(several, user, user, user, user)

    assert app.value("select count(*) from kiloscale.rate_limits") == 0
    for _ in range(IMAGES.hits):
        app.run(INSERT, user)


def test_simultaneous_images_never_exceed_the_limit(app):
    user = app.user()
    start = threading.Barrier(8)

    def insert(_: int) -> int:
        with psycopg.connect(app.url, autocommit=True) as connection:
            start.wait()
            try:
                return connection.execute(INSERT, (user,)).rowcount
            except psycopg.Error:
                return 0

    with ThreadPoolExecutor(8) as pool:
        admitted = sum(pool.map(insert, range(8)))

    assert admitted == IMAGES.hits
    count = "select count(*) from public.image_generation_log"
    assert app.value(count) == IMAGES.hits


def test_a_person_who_cannot_see_the_counters_is_limited_as_well(app):
    app.run("grant insert on public.image_generation_log to authenticated")
    app.run(
        "create policy own on public.image_generation_log for insert"
        " to authenticated with check (true)"
    )
    user = app.user()

    app.run("set role authenticated")
    for _ in range(IMAGES.hits):
        app.run(INSERT, user)
    with pytest.raises(psycopg.Error, match="is used up"):
        app.run(INSERT, user)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.run(HIT, IMAGES.name, str(user), 1, 100, 60)


def test_an_image_of_nobody_is_not_limited(plain_url):
    apply(plain_url, discover(REPOSITORY / "migrations"), str)
    with psycopg.connect(plain_url, autocommit=True) as connection:
        connection.execute(
            "alter table public.image_generation_log alter user_id drop not null"
        )

        for _ in range(IMAGES.hits + 1):
            connection.execute(INSERT, (None,))


def test_an_apps_own_table_of_images_is_left_alone_and_told_how(scratch_url):
    with psycopg.connect(scratch_url, autocommit=True) as connection:
        connection.execute(
            "create table public.image_generation_log"
            " (user_id uuid, created_at timestamptz default now())"
        )
    apply(scratch_url, discover(REPOSITORY / "migrations"), str)
    path = REPOSITORY / "migrations" / "20251107001300_rate_limits.sql"
    notices = []
    with psycopg.connect(scratch_url, autocommit=True) as connection:
        triggers = connection.execute(
            "select count(*) from pg_trigger"
            " where tgrelid = 'public.image_generation_log'::regclass"
        ).fetchone()
        connection.add_notice_handler(lambda one: notices.append(one.message_primary))
        connection.execute(path.read_text())  # a second time, without harm

    assert triggers == (0,)
    (told,) = [one for one in notices if "image_generation_log" in one]
    with psycopg.connect(scratch_url, autocommit=True) as connection:
        connection.execute(told.partition("run: ")[2])
        user = "00000000-0000-0000-0000-000000000001"
        for _ in range(IMAGES.hits):
            connection.execute(INSERT, (user,))
        with pytest.raises(psycopg.Error, match="is used up"):
            connection.execute(INSERT, (user,))


OUT_OF_RANGE = [
    ("", "u", 1, 1, 1),
    ("s" * 65, "u", 1, 1, 1),
    ("s", "", 1, 1, 1),
    ("s", "u" * 201, 1, 1, 1),
    ("s", "u", 0, 1, 1),
    ("s", "u", 1_000_001, 1, 1),
    ("s", "u", 1, 0, 1),
    ("s", "u", 1, 1, 0),
    ("s", "u", 1, 1, 31_536_001),
    (None, "u", 1, 1, 1),
    ("s", "u", None, 1, 1),
]


def test_values_out_of_range_are_refused(app):
    for values in OUT_OF_RANGE:
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            app.run(HIT, *values)
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        app.run("select kiloscale.return_hits('s', 'u', 0, 60)")


def test_a_refused_hit_writes_nothing(app):
    app.run(HIT, "chat", "ann", 60, 60, 3_600)
    before = app.value("select xmin::text from kiloscale.rate_limits")

    with app.conn.transaction():
        app.run(HIT, "chat", "ann", 1, 60, 3_600)
        assert app.value("select pg_current_xact_id_if_assigned()") is None

    assert app.value("select xmin::text from kiloscale.rate_limits") == before


def test_hits_never_change_how_the_callers_transaction_commits(app):
    with app.conn.transaction():
        before = app.value("show synchronous_commit")
        app.run(HIT, "chat", "ann", 1, 60, 3_600)
        after = app.value("show synchronous_commit")

    assert after == before


def test_what_limits_take_is_bounded_by_users_and_scopes(app):
    app.run(
        "insert into kiloscale.rate_limits (scope, subject, hits)"
        " select s.scope, gen_random_uuid()::text, 1 from generate_series(1, 5000),"
        " (values ('chat'), ('images'), ('extraction'), ('api')) s (scope)"
    )

    taken = app.value("select pg_total_relation_size('kiloscale.rate_limits')")
    assert taken / 20_000 <= BYTES_MAX


def test_deleting_a_user_deletes_the_hits(app):
    user = app.user()
    app.run("insert into public.profiles (id) values (%s)", user)
    app.run(INSERT, user)

    app.run("delete from public.profiles where id = %s", user)

    assert app.value("select count(*) from kiloscale.rate_limits") == 0
