"""Changes of public images are noted for the CDN, once somebody has them watched."""

import psycopg
import pytest

pytestmark = pytest.mark.integration

STORAGE = """
create schema if not exists storage;
create table if not exists storage.objects (
    id uuid primary key default gen_random_uuid(), bucket_id text, name text,
    metadata jsonb, last_accessed_at timestamptz
);
"""
NOTED = """
select key, payload ->> 'name', due_at - created_at >= interval '60 seconds'
  from kiloscale.outbox where topic = 'cdn-purge' order by id
"""


@pytest.fixture
def storage(app):
    """A project's storage with two images in a public bucket, one in a private one."""
    app.run(STORAGE)
    for bucket, name in (("images", "a.png"), ("images", "b.png"), ("own", "c.png")):
        app.run(
            "insert into storage.objects (bucket_id, name, metadata)"
            ' values (%s, %s, \'{"eTag": "1"}\')',
            bucket,
            name,
        )
    return app


def watch(database, *buckets):
    database.run("select kiloscale.watch_objects(%s)", list(buckets))


def test_nothing_is_noted_until_somebody_watches(storage):
    storage.run("delete from storage.objects")

    assert storage.rows(NOTED) == []


def test_an_overwritten_and_a_deleted_image_are_noted_for_a_minute_later(storage):
    watch(storage, "images")
    storage.run(
        "update storage.objects set metadata = '{\"eTag\": \"2\"}' where name = 'a.png'"
    )
    storage.run("delete from storage.objects where name = 'b.png'")

    assert storage.rows(NOTED) == [
        ("images", "a.png", True),
        ("images", "b.png", True),
    ]


def test_what_does_not_change_the_content_is_not_noted(storage):
    watch(storage, "images")
    storage.run("update storage.objects set last_accessed_at = now()")
    storage.run("delete from storage.objects where bucket_id = 'own'")

    assert storage.rows(NOTED) == []


def test_a_renamed_image_is_noted_by_its_old_name(storage):
    watch(storage, "images")
    storage.run("update storage.objects set name = 'z.png' where name = 'a.png'")

    assert storage.rows(NOTED) == [("images", "a.png", True)]


def test_watching_others_and_no_longer_watching(storage):
    watch(storage, "images")
    watch(storage, "own", "more")
    storage.run("delete from storage.objects where name in ('a.png', 'c.png')")
    storage.run("select kiloscale.unwatch_objects()")
    storage.run("delete from storage.objects")

    assert [row[:2] for row in storage.rows(NOTED)] == [("own", "c.png")]


def test_whoever_uploads_needs_no_right_in_our_schema(storage):
    watch(storage, "images")
    storage.run("grant usage on schema storage to authenticated")
    storage.run("grant all on storage.objects to authenticated")
    with storage.conn.transaction():
        storage.run("set local role authenticated")
        storage.run("delete from storage.objects where name = 'a.png'")

    assert [row[:2] for row in storage.rows(NOTED)] == [("images", "a.png")]


@pytest.mark.parametrize(
    ("buckets", "told"),
    [
        ([], "must name 1 to 20 buckets, got 0"),
        (["a"] * 21, "must name 1 to 20 buckets, got 21"),
        (["a,b"], "'a,b' is no name of a bucket"),
        ([None], "NULL is no name of a bucket"),
    ],
)
def test_what_is_no_bucket_is_refused(storage, buckets, told):
    with pytest.raises(psycopg.errors.RaiseException, match=told):
        storage.run("select kiloscale.watch_objects(%s::text[])", buckets)


def test_a_server_without_storage_says_so(app):
    with pytest.raises(psycopg.errors.RaiseException, match="no table storage"):
        watch(app, "images")
