"""The address at the CDN is the same in Python, in the database, and in the Worker."""

from urllib.parse import unquote

import psycopg
import pytest
from pglast import parse_sql
from pglast.ast import CreateFunctionStmt

from benchmarks.edge.corpus import urls
from deploy.paths import REPOSITORY
from functions.shared.cdn_url import Cdn, cdn_url
from infra.catalog.cdn import EDGE_RULES, PUBLIC_PATH

pytestmark = pytest.mark.integration

MIGRATION = REPOSITORY / "migrations" / "20251107002200_move_image_urls.sql"
PURE = {"percent_bytes", "canonical_path", "cdn_url_at"}
BUCKETS = tuple(dict.fromkeys(rule.bucket for rule in EDGE_RULES))
ORIGIN = "https://abc.supabase.co"
CDN = Cdn(
    base_url="https://cdn.example.com",
    hosts=("abc.supabase.co", "old-cdn.example.com", "127.0.0.1:54321"),
    buckets=BUCKETS,
)
START = f"{PUBLIC_PATH}generated-images/"
MORE = tuple(
    f"{START}{name}"
    for name in (
        *("a.png?v=1&t=2", "a.png?t=2&v=1", "a.png?%76=%31", "a.png?v=%zz&v=2", "a?v"),
        *("a.png?v=a%2Bb", "a.png?v=a+b", "a.png?v=" + "x" * 64, "a?v=" + "x" * 65),
        *("%F4%8F%BF%BF.png", "%EF%BF%BD.png", "a%5b1%5D.png", "a%7Cb%5E.png", "a%60b"),
        *("%C2%80.png", "%E2%80%A8.png", "%EF%BB%BFa.png", "%22a%3C%3E.png", "%7f"),
        # No UTF-8: cut off, too long, a surrogate, beyond the last character.
        *("%C3.png", "%C0%AF.png", "%E0%80%AF", "%ED%A0%80", "%F4%90%80%80", "%80"),
        *("a%.png", "a%2.png", "a%zz.png", "%E6%97%A5.png?v=%E6", "a.png?=&&v=3"),
    )
)
SAMPLE = (*urls()[::11], *MORE)
"""Each eleventh of the corpus of the renderers' test, from every kind, and more."""


@pytest.fixture
def database(scratch_url):
    """A database with the functions that need no table."""
    source = MIGRATION.read_bytes()
    with psycopg.connect(scratch_url, autocommit=True) as conn:
        conn.execute("create schema kiloscale")
        for raw in parse_sql(source.decode()):
            is_function = isinstance(raw.stmt, CreateFunctionStmt)
            if is_function and raw.stmt.funcname[-1].sval in PURE:
                start = raw.stmt_location
                conn.execute(source[start : start + raw.stmt_len])
        yield conn


def in_database(conn, every, version=None):
    query = (
        "select kiloscale.cdn_url_at(u.url, %s, %s, %s, %s)"
        " from unnest(%s::text[]) with ordinality u (url, n) order by u.n"
    )
    given = (CDN.base_url, list(CDN.hosts), list(BUCKETS), version, list(every))
    return [row[0] for row in conn.execute(query, given).fetchall()]


def in_worker(worker, url):
    """The address under which the Worker keeps a copy; ``None`` for a refusal."""
    answer = worker.ask(url)
    if answer.status == 301:
        return answer.headers["location"].removeprefix(worker.url)
    # A question mark without anything behind it is no query.
    return url.removesuffix("?") if "x-cdn-rule" in answer.headers else None


def climbs(url):
    """Whether a URL has dot segments, which clients resolve before they ask."""
    return bool({".", ".."} & set(unquote(url.partition("?")[0]).split("/")))


def saves(url):
    """Whether Supabase would send it to be saved: it is left alone for that."""
    return "download=" in url


def test_python_the_database_and_the_worker_give_one_address(database, workers_cache):
    compared = [each for each in SAMPLE if not climbs(each) and not saves(each)]
    absolute = [ORIGIN + each for each in SAMPLE]
    stored = in_database(database, absolute)
    ours = [cdn_url(each, CDN) for each in absolute]
    by_url = dict(zip(SAMPLE, ours, strict=True))
    kept = {each: in_worker(workers_cache, each) for each in compared}

    assert len(compared) >= 200
    assert stored == ours
    assert {
        each: by_url[each]
        for each, path in kept.items()
        if by_url[each] != (ORIGIN + each if path is None else CDN.base_url + path)
    } == {}
    assert 100 < sum(path is not None for path in kept.values()) < len(kept)
    assert all(
        by_url[each] == ORIGIN + each for each in SAMPLE if climbs(each) or saves(each)
    )


AN_IMAGE = f"{CDN.base_url}{START}a.png"
LEFT_ALONE = (
    *("", "a.png", "generated-images/a.png", f"//abc.supabase.co{START}a.png"),
    *(
        f"https://other.supabase.co{START}a.png",
        f"https://abc.supabase.co.evil.io{START}a",
    ),
    *(f"https://u:p@abc.supabase.co{START}a", f"https://abc.supabase.co:8443{START}a"),
    *(f"ftp://abc.supabase.co{START}a.png", "data:image/png;base64,iVBORw0KGgo="),
    *(
        f"{ORIGIN}/storage/v1/object/sign/generated-images/a.png?token=x",
        f" {AN_IMAGE}",
    ),
    *(f"{ORIGIN}{PUBLIC_PATH}avatars/a.png", f"{ORIGIN}{PUBLIC_PATH}generated-images"),
    *(f"{ORIGIN}{START}a.png ", f"{ORIGIN}{START}a\tb.png", f"{ORIGIN}{START}a\\b.png"),
    *(f"{ORIGIN}{START}a.png?download", f"{ORIGIN}{START}a.png?v=1&%64ownload=x"),
    *(f"{ORIGIN}{START}../../sign/a.png", f"{ORIGIN}{START}%2e%2e/avatars/a.png"),
    f"see {ORIGIN}{START}a.png",
)
MOVED = {
    f"{START}a.png": AN_IMAGE,
    f"{ORIGIN}{START}a.png": AN_IMAGE,
    f"HTTPS://ABC.Supabase.CO:443{START}a.png": AN_IMAGE,
    f"http://abc.supabase.co:80{START}a.png": AN_IMAGE,
    f"http://127.0.0.1:54321{START}a.png": AN_IMAGE,
    f"https://old-cdn.example.com{START}a.png": AN_IMAGE,
    f"{CDN.base_url}{START}a%2epng?utm_source=x": AN_IMAGE,
    f"{ORIGIN}{START}caf\u00e9 1.png": f"{CDN.base_url}{START}caf%C3%A9%201.png",
    f"{ORIGIN}{START}\U0001f30a.svg#top": f"{CDN.base_url}{START}%F0%9F%8C%8A.svg#top",
    f"{ORIGIN}{START}a[1]|^.png?v=3": f"{CDN.base_url}{START}a%5B1%5D%7C%5E.png?v=3",
}


def test_what_is_no_public_image_of_ours_is_left_alone(database):
    assert in_database(database, LEFT_ALONE) == list(LEFT_ALONE)
    assert [cdn_url(each, CDN) for each in LEFT_ALONE] == list(LEFT_ALONE)


def test_each_way_to_write_a_host_is_moved_and_moving_twice_changes_nothing(database):
    moved = in_database(database, MOVED)

    assert moved == [cdn_url(each, CDN) for each in MOVED] == list(MOVED.values())
    assert in_database(database, moved) == moved
    assert [cdn_url(each, CDN) for each in moved] == moved


def test_a_version_replaces_that_of_the_address(database):
    every = [f"{START}a.png", f"{START}a.png?v=1&t=2", "https://elsewhere.example/?v=1"]
    expected = [f"{AN_IMAGE}?v=x-2", f"{AN_IMAGE}?v=x-2", every[2]]

    assert in_database(database, every, "x-2") == expected
    assert [cdn_url(each, CDN, "x-2") for each in every] == expected


@pytest.mark.parametrize("version", ["", "a b", "x" * 65, "a&b", "1\n"])
def test_a_version_that_the_cdn_does_not_keep_apart_is_refused(database, version):
    with pytest.raises(ValueError, match="version must be 1 to 64"):
        cdn_url(AN_IMAGE, CDN, version)
    with pytest.raises(
        psycopg.errors.InvalidParameterValue, match="p_version must be 1 to 64"
    ):
        in_database(database, [AN_IMAGE], version)
