"""The app's rows name their images at the CDN, and again at Supabase."""

import json
import time

import psycopg
import pytest

from deploy import commands, url_commands
from deploy.cdn import site
from deploy.checklist import Result, Status, skipped
from deploy.urls.asked import Asked

pytestmark = pytest.mark.integration

ORIGIN = "https://abc.supabase.co"
CDN = "https://cdn.example.com"
PUBLIC = "/storage/v1/object/public/"
FOLDER = f"{PUBLIC}generated-images/"
OLD = f"{ORIGIN}{FOLDER}"
NEW = f"{CDN}{FOLDER}"
CALL = "call kiloscale.rewrite_urls(%s, %s, %s, %s, %s)"
SITE = site.Site(mode="worker-cache", base_url=CDN, origin_url=ORIGIN)


@pytest.fixture
def images(app):
    """A database that knows the CDN, with a user."""
    app.run(
        "select kiloscale.set_cdn(%s, %s, %s, %s)",
        *(CDN, ORIGIN, ["old-cdn.example.com"], ["generated-images", "report-images"]),
    )
    app.owner = app.user()
    return app


def add(database, url, table="user_images"):
    query = f"insert into {table} (user_id, image_url) values (%s, %s) returning id"
    return database.value(query, database.owner, url)


def rewrite(
    database, target="cdn", name="public.user_images.image_url", rows=2, inside=False
):
    table, _, column = name.rpartition(".")
    database.run(CALL, table, column, target, inside, rows)


def urls(database, table="user_images"):
    return dict(database.rows(f"select id, image_url from {table}"))


def kept(database):
    return database.value("select count(*) from kiloscale.cdn_rewrites")


def test_it_goes_and_comes_back_as_it_was(images):
    names = [f"a%2d{n}.png?t={n}" for n in range(4)] + ["b.png", "b.png?v=2"]
    for name in names:
        add(images, OLD + name)
    add(images, None)
    before = urls(images)

    rewrite(images)
    moved = urls(images)
    rewrite(images)  # changes nothing more
    asked = images.value("select count(*) from kiloscale.outbox where topic = 'images'")
    rewrite(images, "undo")

    spelled = ["a-0.png", "a-1.png", "a-2.png", "a-3.png", "b.png", "b.png?v=2"]
    assert sorted(filter(None, moved.values())) == [NEW + name for name in spelled]
    assert asked == len(names)  # by the inserts, and none by the changes
    assert urls(images) == before
    assert kept(images) == 0


def test_what_is_no_address_of_an_image_stays(images):
    others = [
        *(f"{FOLDER}path-of-the-app.png", "https://elsewhere.example/a.png", ""),
        *(f"{ORIGIN}/storage/v1/object/sign/generated-images/a.png?token=x", "data:,x"),
        *(f"{ORIGIN}{PUBLIC}avatars/a.png", f"{OLD}a.png?download=cat.png"),
    ]
    for url in others:
        add(images, url)

    rewrite(images)

    assert sorted(urls(images).values()) == sorted(others)
    assert kept(images) == 0


def test_an_undo_leaves_what_the_app_has_changed_since(images):
    mine, changed, gone = (add(images, f"{OLD}{n}.png") for n in range(3))
    rewrite(images)
    images.run(
        "update user_images set image_url = 'https://x/y' where id = %s", changed
    )
    images.run("delete from user_images where id = %s", gone)

    rewrite(images, "undo")

    assert urls(images) == {mine: f"{OLD}0.png", changed: "https://x/y"}
    assert kept(images) == 0


def test_moved_from_one_domain_to_the_next_it_goes_back_to_the_first(images):
    one = add(images, f"{OLD}a.png")
    rewrite(images)
    images.run(
        "select kiloscale.set_cdn('https://cdn2.example.com', origin_url, hosts ||"
        " 'cdn.example.com'::text, buckets) from kiloscale.cdn_settings"
    )
    rewrite(images)
    second = urls(images)
    rewrite(images, "undo")

    assert second == {one: f"https://cdn2.example.com{FOLDER}a.png"}
    assert urls(images) == {one: f"{OLD}a.png"}


COMPRESSED = """
select kiloscale.finish_image(null, jsonb_build_object('bucket', 'generated-images',
    'path', 'a.png', 'state', 'compressed', 'best_path', 'a.ks.webp'),
    'generated-images/a.png', 'generated-images/a.ks.webp')
"""


def test_an_image_made_smaller_after_it_was_moved_goes_back_too(images):
    one = add(images, f"{OLD}a.png")
    rewrite(images)
    images.run(COMPRESSED)
    smaller = urls(images)
    rewrite(images, "undo")
    undone = urls(images)
    images.run("select kiloscale.restore_image_urls(10)")

    assert smaller == {one: f"{NEW}a.ks.webp"}
    assert undone == {one: f"{OLD}a.ks.webp"}
    assert urls(images) == {one: f"{OLD}a.png"}


def test_an_image_made_smaller_before_it_was_moved_can_still_be_restored(images):
    one = add(images, f"{OLD}a.png")
    images.run(COMPRESSED)
    rewrite(images)
    moved = urls(images)
    images.run("select kiloscale.restore_image_urls(10)")

    assert moved == {one: f"{NEW}a.ks.webp"}
    assert urls(images) == {one: f"{OLD}a.png"}


def test_back_to_the_project_goes_what_was_never_moved_here(images):
    add(images, f"{NEW}written-by-the-app.png")
    add(images, f"{OLD}a%2db.png")
    add(images, f"{OLD}c.png")
    rewrite(images)
    rewrite(images, "origin")

    names = ["a-b.png", "c.png", "written-by-the-app.png"]
    assert sorted(urls(images).values()) == [OLD + name for name in names]
    assert kept(images) == 0


def test_texts_and_json_come_back_to_the_letter_and_are_not_kept_twice(images):
    chat = images.conversation(1, user=images.owner)
    said = (
        f"see ![cat]({OLD}a%2d.png) and <{OLD}b.png?t=1>, {ORIGIN}{PUBLIC}other/c.png"
    )
    meta = {"images": [{"url": f'{OLD}"b".png'}], "n": 1}
    images.run("update messages set text = %s, meta = %s", said, json.dumps(meta))
    mixed = images.value(
        "insert into messages (chat_id, role, text) values (%s, 'user', %s)"
        " returning id",
        *(chat, f"{OLD}a.png {NEW}b.png"),
    )
    before = images.rows("select id, text, meta from messages order by id")

    for name in ("public.messages.text", "public.messages.meta"):
        rewrite(images, name=name, inside=True)
    moved = dict(images.rows("select id, text from messages"))
    holds = images.rows(
        "select old_value, new_value, user_id from kiloscale.cdn_rewrites"
    )
    for name in ("public.messages.text", "public.messages.meta"):
        rewrite(images, "undo", name=name, inside=True)

    assert moved.pop(mixed) == f"{OLD}a.png {NEW}b.png"  # would not come back exactly
    assert list(moved.values()) == [said.replace(OLD, NEW)]
    assert {row[:2] for row in holds} == {(ORIGIN, CDN)}
    assert images.rows("select id, text, meta from messages order by id") == before


def test_a_table_with_a_key_of_two_columns_is_read_through(images):
    images.run(
        "create table pictures (album text, n int, url varchar(200), primary key"
        " (album, n)); insert into pictures select x, n, %s || n || '.png'"
        " from unnest('{a,b,B}'::text[]) x, generate_series(1, 5) n".replace(
            "%s", f"'{OLD}'"
        )
    )

    rewrite(images, name="public.pictures.url", rows=4)

    moved = "select count(*) from pictures where url like 'https://cdn.example.com/%'"
    assert images.value(moved) == 15
    rewrite(images, "undo", name="public.pictures.url", rows=4)
    assert images.value(moved) == 0


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("public.nothing.url", "there is no table public.nothing"),
        ("public.user_images.url", "there is no such column"),
        ("public.user_images.created_at", "it is timestamp with time zone"),
        ("auth.users.email", "auth.users is not the app's"),
        ("public.unkeyed.url", "no primary key: its rows cannot be told apart"),
    ],
)
def test_what_cannot_be_changed_is_refused(images, name, told):
    images.run("create table unkeyed (url text)")

    with pytest.raises(psycopg.Error, match=told):
        rewrite(images, name=name)


def test_deleting_a_user_reaches_the_addresses_that_were_replaced(images):
    add(images, f"{OLD}{images.owner}/a.png")
    images.run("create table pictures (id int primary key, url text)")
    images.run("insert into pictures values (1, %s)", f"{OLD}{images.owner}/a.png")
    images.run("insert into profiles (id) values (%s)", images.owner)
    rewrite(images)
    rewrite(images, name="public.pictures.url")
    before = kept(images)

    images.run("delete from profiles where id = %s", images.owner)

    assert (before, kept(images)) == (2, 0)


def test_the_app_reads_addresses_of_the_cdn_by_a_computed_field(images):
    add(images, f"{OLD}a.png")
    images.run(
        "create function public.image_cdn_url(r public.user_images) returns text"
        " language sql stable security definer set search_path = ''"
        " as $$ select kiloscale.cdn_url(r.image_url) $$;"
        " grant execute on function public.image_cdn_url to authenticated;"
        " create policy own on user_images for select to authenticated using (true);"
        " grant select on user_images to authenticated"
    )
    with images.conn.transaction():
        images.run("set local role authenticated")
        seen = images.value("select image_cdn_url(i) from user_images i")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            images.run("select kiloscale.cdn_url('x')")

    assert seen == f"{NEW}a.png"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("cdn.example.com", ORIGIN, [], ["a"]), "must be https://<host>"),
        (("https://cdn.example.com/", ORIGIN, [], ["a"]), "must be https://<host>"),
        ((CDN, None, [], ["a"]), "must be https://<host>"),
        ((CDN, ORIGIN, ["a/b"], ["a"]), "'a/b' is no host"),
        ((CDN, ORIGIN, [], []), "number of p_buckets must be between 1 and 20"),
        ((CDN, ORIGIN, [], ["a", None]), "NULL is no name of a bucket"),
    ],
)
def test_settings_that_no_cdn_has_are_refused(images, given, told):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=told):
        images.run("select kiloscale.set_cdn(%s, %s, %s::text[], %s::text[])", *given)


@pytest.fixture
def task(images, deploys_to, monkeypatch, capsys):
    """Runs cdn.rewrite-urls; gives the exit code and the report."""
    images.run("delete from kiloscale.cdn_settings")
    deploys_to(images)
    monkeypatch.setattr(site, "find", lambda _: SITE)

    def run_task(**given):
        try:
            code = url_commands.rewrite(
                "local", Asked(**given), commands.Output(as_json=True)
            )
        except SystemExit as ended:
            code = int(str(ended.code))
        return code, json.loads(capsys.readouterr().out)

    return run_task


def proves(monkeypatch, *results):
    monkeypatch.setattr("deploy.cdn.verify.verify", lambda *_: iter(results))


def checks(report):
    return {each["id"]: each for each in report["checks"]}


HIT = Result(id="cdn.hit-generated-images", title="hit", status=Status.PASS)


@pytest.mark.parametrize(
    "results",
    [
        (HIT, Result(id="cdn.leaks", title="leaks", status=Status.FAIL)),
        (skipped("cdn.all", "no Node.js"),),
        (Result(id="cdn.provisioned", title="ok", status=Status.PASS),),
    ],
)
def test_nothing_is_changed_while_the_cdn_is_not_proved(
    images, task, monkeypatch, results
):
    add(images, f"{OLD}a.png")
    proves(monkeypatch, *results)

    code, _ = task()

    assert code == 7
    assert list(urls(images).values()) == [f"{OLD}a.png"]
    assert images.rows("select * from kiloscale.cdn_settings") == []


def test_the_task_counts_changes_and_puts_back(images, task, monkeypatch):
    secret = f"{OLD}{images.owner}/secret-name.png?t=1"
    add(images, secret)
    add(images, f"{OLD}b.png", "image_generation_log")
    images.conversation(1, user=images.owner)
    images.run("update messages set text = %s", f"look: {OLD}c.png")
    proves(monkeypatch, HIT)

    dry, planned = task(dry_run=True)
    first, done = task()
    second, again = task()
    new = add(images, f"{NEW}written-by-the-app.png")
    third, undone = task(undo=True)
    before = urls(images)
    fourth, last = task(to_origin=True)

    assert (dry, first, second, third, fourth) == (0, 0, 0, 0, 0)
    found = checks(planned)["urls.public.user_images.image_url"]
    assert found["evidence"]["shapes"] == {f"{OLD}....png?t=...": 1}
    assert found["status"] == "warn"  # the CDN drops t
    assert checks(planned)["urls.public.messages.text"]["evidence"]["due"] == 1
    assert "secret-name" not in json.dumps(planned) + json.dumps(done)
    assert (planned["changed"], done["changed"], again["changed"]) == (
        False,
        True,
        False,
    )
    assert (
        "1 rows changed" in checks(done)["urls.public.user_images.image_url"]["title"]
    )
    left = checks(undone)["urls.left.public.user_images.image_url"]
    assert left["remedy"] == "./bootstrap cdn.rewrite-urls --to-origin"
    assert before[new].startswith(NEW)
    assert sorted(urls(images).values()) == sorted(
        [secret, f"{OLD}written-by-the-app.png"]
    )
    assert last["changed"]
    assert images.value("select kiloscale.cdn_url(%s)", f"{NEW}x.png") == f"{OLD}x.png"


def test_triggers_and_publications_are_named_before_anything_is_set_off(
    images, task, monkeypatch
):
    add(images, f"{OLD}a.png")
    images.run(
        "create function noted() returns trigger language plpgsql as"
        " $$ begin return new; end $$; create trigger app_hook before update on"
        " user_images for each row execute function noted(); create trigger other"
        " before update of model on user_images for each row execute function noted();"
        " create publication changes for table user_images"
    )
    proves(monkeypatch, HIT)

    refused, report = task()
    stays = list(urls(images).values())
    agreed, _ = task(set_off=True)

    assert refused == 2
    title = report["checks"][-1]["title"]
    assert "trigger app_hook" in title
    assert "publication changes" in title
    assert "trigger other" not in title
    assert stays == [f"{OLD}a.png"]
    assert agreed == 0
    assert list(urls(images).values()) == [f"{NEW}a.png"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"column": "user_images.image_url"}, "must be schema.table.column"),
        ({"column": "a.b.c", "inside": "a.b.c"}, "a.b.c is named twice"),
        ({"column": "public.nothing.url"}, "public.nothing"),
        ({"batch_rows": "0"}, "--batch-rows must be a whole number from 1 to 10,000"),
        ({"undo": True, "to_origin": True}, "only one of --undo, --to-origin"),
        ({"from_host": "https://x.example"}, "must be a host in lower case"),
    ],
)
def test_a_wrong_option_is_told_and_nothing_is_changed(images, task, given, told):
    code, report = task(unverified=True, **given)

    assert code == 2
    assert told in report["checks"][-1]["title"]
    assert images.rows("select * from kiloscale.cdn_settings") == []


def test_configuring_changes_no_row_and_serves_cdn_url(images, task, monkeypatch):
    add(images, f"{OLD}a.png")
    proves(monkeypatch, HIT)

    code, _ = task(configure=True)

    assert code == 0
    assert images.value("select kiloscale.cdn_url(image_url) from user_images") == (
        f"{NEW}a.png"
    )
    assert list(urls(images).values()) == [f"{OLD}a.png"]


def test_a_table_without_statistics_is_not_compared_row_by_row(images):
    images.run(
        "create table pictures (id uuid primary key default gen_random_uuid(),"
        " url text)"
    )
    images.run(
        "insert into pictures (url) select %s || n from generate_series(1, 6000) n", OLD
    )

    began = time.monotonic()
    rewrite(images, name="public.pictures.url", rows=1000)
    rewrite(images, "undo", name="public.pictures.url", rows=1000)

    # 0.9 s; 30 s when a batch compared each of its rows with each that was kept.
    assert time.monotonic() - began < 12
    assert images.value(
        "select count(*) from pictures where url like %s", f"{OLD}%"
    ) == (6000)
