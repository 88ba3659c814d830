"""The suite ``edge``: its URLs, how an answer is read, and what counts as agreement."""

import pytest

from benchmarks import edge
from benchmarks.edge import agreement, worker
from benchmarks.edge.choices import Choice, normalised
from benchmarks.edge.corpus import urls

WEEK = Choice("report-images", 604_800, 86_400)


def test_there_are_more_urls_than_asked_for_and_always_the_same():
    every = urls()

    assert len(every) >= agreement.URLS_MIN
    assert len(set(every)) == len(every)
    assert every == urls()


@pytest.mark.parametrize(
    "piece",
    ["//", "%2F", "%5c", "%25", "%00", "/../", "%2e%2e", ".sVg", "?v=1&v=2", "%F0%9F"],
)
def test_each_kind_of_trick_is_among_them(piece):
    assert any(piece in url for url in urls())


def test_rules_and_refusals_are_both_well_represented():
    found = agreement.read(urls())
    chosen = [each["cache-rules"] for each in found.values()]

    for rule in ("chart-svgs", "generated-images", "website-images", "report-images"):
        assert sum(each is not None and each.rule == rule for each in chosen) >= 50
    assert chosen.count(None) >= 500


@pytest.mark.parametrize(
    ("path", "normal"),
    [
        ("/a/./b/../c", "/a/c"),
        ("/a/b/..", "/a/"),
        ("/../../a", "/a"),
        ("/a//../b", "/a/b"),
        ("/%61%2f%7e", "/a%2F~"),
        ("/a%2525", "/a%2525"),
    ],
)
def test_a_path_is_normalised_as_rfc_3986_says(path, normal):
    assert normalised(path) == normal


def test_one_renderer_that_chooses_otherwise_is_a_difference():
    same = {"worker": WEEK, "varnish": WEEK}
    other = {"worker": WEEK, "varnish": None}

    found = agreement.differing({"/a": same, "/b": other})

    assert [each.url for each in found] == ["/b"]


class Answers:
    """An asker whose answers are given."""

    url = "http://cdn"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def ask(self, path):
        self.asked.append(path)
        return self.answers.pop(0)


SERVED = {"x-cdn-rule": "report-images", "cache-control": "public, max-age=86400"}


def test_the_worker_is_followed_to_its_own_spelling():
    moved = (301, {"location": "http://cdn/a"})
    edge_ttl = {"cloudflare-cdn-cache-control": "public, max-age=604800, stale=1"}
    asker = Answers(moved, (200, SERVED | edge_ttl))

    assert agreement.by_worker(asker, "/%61") == WEEK
    assert asker.asked == ["/%61", "/a"]


@pytest.mark.parametrize(("left", "ttl"), [("604799.9", 604_800), ("86400.0", 0)])
def test_varnish_has_to_keep_it_as_long_as_declared(left, ttl):
    asker = Answers((200, SERVED | {"x-edge-ttl": left}))

    assert agreement.by_varnish(asker, "/a") == Choice("report-images", ttl, 86_400)


def test_an_answer_that_is_neither_image_nor_refusal_is_an_error():
    with pytest.raises(agreement.DeployError, match="answered 503"):
        agreement.by_varnish(Answers((503, {})), "/a")


def test_pairs_of_runs_are_compared_and_not_their_sums():
    ours = worker.Side(name="a", running=None, rates=[100, 10], cpu_ms=[1, 3])
    bare = worker.Side(name="b", running=None, rates=[100, 20], cpu_ms=[1, 1])

    figures = {each.id: each for each in worker._figures(ours, bare)}

    assert figures["edge.worker_ratio"].value == 0.75
    assert not figures["edge.worker_ratio"].ok
    assert figures["edge.worker_cpu_ms"].value == 2


def test_every_group_of_the_suite_measures():
    for group in edge.GROUPS:
        assert callable(__import__(f"benchmarks.edge.{group}", fromlist=["x"]).measure)
