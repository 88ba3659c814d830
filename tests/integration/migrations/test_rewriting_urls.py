"""The app's rows name their images at the CDN, and again at Supabase."""

import pytest

pytestmark = pytest.mark.integration

ORIGIN = "https://abc.supabase.co"
CDN = "https://cdn.example.com"
FOLDER = "/storage/v1/object/public/generated-images/"
CALL = "call kiloscale.rewrite_urls(%s, 'image_url', %s, batch_rows => %s)"


@pytest.fixture
def images(app):
    """Rows of a user: images of ours and whatever else an address may be."""
    app.run(
        "select kiloscale.set_cdn(%s, %s, %s, %s)",
        CDN,
        ORIGIN,
        ["abc.supabase.co", "old-cdn.example.com"],
        ["generated-images", "report-images"],
    )
    app.owner = app.user()
    return app


def add(database, url, table="user_images"):
    return database.value(
        f"insert into {table} (user_id, image_url) values (%s, %s) returning id",
        database.owner,
        url,
    )


def rewrite(database, target="cdn", table="public.user_images", batch_rows=2):
    database.run(CALL, table, target, batch_rows)


def urls(database, table="user_images"):
    query = f"select id, image_url from {table}"
    return dict(database.rows(query))


def test_it_goes_and_comes_back_as_it_was(images):
    spelled = [f"a%2d{n}.png?t={n}" for n in range(4)] + ["b.png", "b.png?v=2"]
    for name in spelled:
        add(images, ORIGIN + FOLDER + name)
    before = urls(images)

    rewrite(images)
    moved = urls(images)
    rewrite(images, "undo")

    assert sorted(moved.values()) == sorted(
        CDN + FOLDER + name
        for name in ["a-0.png", "a-1.png", "a-2.png", "a-3.png", "b.png", "b.png?v=2"]
    )
    assert urls(images) == before
    assert images.value("select count(*) from kiloscale.cdn_rewrites") == 0
