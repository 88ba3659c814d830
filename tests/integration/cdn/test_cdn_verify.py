"""``cdn.verify`` notices what is wrong with a CDN, in each mode, and cleans up."""

import fake_cdn
import pytest

from deploy.cdn import verify as verifying
from deploy.cdn.checks import hits
from deploy.checklist import Status, skipped
from deploy.deployment import Deployment
from deploy.errors import DeployError, UsageError

pytestmark = pytest.mark.integration

MODES = ("worker-cache", "worker-cache-api", "cache-rules", "cloudfront")
CHECKS = [
    *("cdn.provisioned", "cdn.hit-chart-svgs", "cdn.hit-generated-images"),
    *("cdn.hit-website-images", "cdn.hit-report-images", "cdn.leaks", "cdn.blocked"),
    *("cdn.missing", "cdn.svg", "cdn.parts", "cdn.canonical", "cdn.cleanup"),
]


@pytest.fixture
def verify(monkeypatch):
    """Verify a CDN; give its results by id."""

    def verify(fake, objects=(), key=fake_cdn.KEY):
        monkeypatch.setattr(verifying, "find", lambda _: fake.site)
        monkeypatch.setattr(verifying, "service_key", lambda _: key)
        monkeypatch.setattr(hits, "PATIENCE_S", 0.1)
        # What is provisioned is compared by `drift`, which has its own tests.
        compared = skipped("cdn.provisioned", "not here")
        monkeypatch.setattr(verifying.provisioned, "check", lambda *_: compared)
        deployment = Deployment(stack="production", progress=lambda _: None)
        return {each.id: each for each in verifying.verify(deployment, objects)}

    return verify


@pytest.mark.parametrize("mode", MODES)
def test_a_cdn_as_declared_is_proved_in_each_mode(verify, mode):
    with fake_cdn.serving(mode) as fake:
        found = verify(fake)

    assert list(found) == CHECKS
    bad = {each.id: each.title for each in found.values() if each.status is Status.FAIL}
    assert bad == {}
    proved = [each for each in found.values() if each.id.startswith("cdn.hit-")]
    assert [each.status for each in proved] == [Status.PASS] * 4
    assert fake.objects == {}


FLAWS = [
    ("worker-cache", "passes on", "cdn.hit-generated-images"),
    ("cloudfront", "keeps nothing", "cdn.hit-chart-svgs"),
    ("worker-cache", "other rule", "cdn.hit-chart-svgs"),
    ("cache-rules", "browser lifetime", "cdn.hit-report-images"),
    ("worker-cache-api", "other bytes", "cdn.hit-website-images"),
    ("worker-cache", "leaks", "cdn.leaks"),
    ("cloudfront", "open", "cdn.blocked"),
    ("worker-cache", "error as image", "cdn.missing"),
    ("worker-cache-api", "error kept", "cdn.missing"),
    ("worker-cache", "runs scripts", "cdn.svg"),
    ("worker-cache", "no ranges", "cdn.parts"),
    ("worker-cache-api", "keys on all", "cdn.canonical"),
    ("cloudfront", "ignores v", "cdn.canonical"),
]
SAME_IN_OTHER_MODES = [
    ("worker-cache", "passes on", "cdn.leaks"),
    ("worker-cache-api", "keeps nothing", "cdn.hit-chart-svgs"),
    ("cache-rules", "keeps nothing", "cdn.hit-chart-svgs"),
    ("worker-cache", "browser lifetime", "cdn.hit-report-images"),
    ("cloudfront", "browser lifetime", "cdn.hit-report-images"),
    ("cloudfront", "leaks", "cdn.leaks"),
    ("worker-cache", "open", "cdn.blocked"),
    ("cloudfront", "runs scripts", "cdn.svg"),
    ("worker-cache", "keys on all", "cdn.canonical"),
    ("cloudfront", "keys on all", "cdn.canonical"),
]


@pytest.mark.parametrize(
    ("mode", "flaw", "check"),
    [
        *FLAWS,
        *(pytest.param(*each, marks=pytest.mark.sweep) for each in SAME_IN_OTHER_MODES),
    ],
)
def test_a_flaw_is_noticed_by_its_check(verify, mode, flaw, check):
    with fake_cdn.serving(mode, flaw) as fake:
        found = verify(fake)

    assert found[check].status is Status.FAIL
    assert fake.objects == {}


def test_cache_rules_warn_that_an_svg_may_run_scripts(verify):
    with fake_cdn.serving("cache-rules") as fake:
        found = verify(fake)

    assert found["cdn.svg"].status is Status.WARN
    assert "may run scripts" in found["cdn.svg"].title


def test_an_object_that_is_there_is_asked_for_and_nothing_is_uploaded(verify):
    with fake_cdn.serving("worker-cache") as fake:
        fake.objects["generated-images/a b.png"] = b"mine" * 10
        found = verify(fake, ["generated-images/a b.png"])

    assert found["cdn.hit-generated-images"].status is Status.PASS
    assert found["cdn.hit-chart-svgs"].status is Status.SKIPPED
    assert "cdn.cleanup" not in found
    assert list(fake.objects) == ["generated-images/a b.png"]
    # Its copy was a new one: the old one may have been filled by anybody.
    asked = [path for path in fake.asked if "a%20b.png" in path]
    assert all("?v=probe-" in path for path in asked)


def test_an_object_that_no_rule_covers_is_refused(verify):
    with (
        fake_cdn.serving("worker-cache") as fake,
        pytest.raises(UsageError, match=r"--object 'avatars/a\.png': must be <bucket>"),
    ):
        verify(fake, ["avatars/a.png"])


def test_without_a_key_nothing_is_uploaded_and_that_is_said(verify):
    with fake_cdn.serving("worker-cache") as fake:
        found = verify(fake, key=None)

    assert found["cdn.hits"].status is Status.SKIPPED
    assert "--object" in found["cdn.hits"].remedy
    assert fake.objects == {}


def test_a_bucket_that_is_missing_is_named_and_the_others_are_emptied(verify):
    with (
        fake_cdn.serving("worker-cache", "no bucket website-images") as fake,
        pytest.raises(DeployError, match=r"website-images/.*404 Bucket not found"),
    ):
        verify(fake)

    assert fake.objects == {}


def test_an_upload_that_cannot_be_deleted_is_named(verify):
    with fake_cdn.serving("worker-cache", "keeps uploads") as fake:
        found = verify(fake)

    assert found["cdn.cleanup"].status is Status.WARN
    assert all(name in found["cdn.cleanup"].title for name in fake.objects)


def test_no_key_and_no_bytes_are_in_the_evidence(verify):
    with fake_cdn.serving("worker-cache", "runs scripts") as fake:
        found = verify(fake)

    told = repr([each.evidence for each in found.values()])
    assert fake_cdn.KEY not in told
    assert "<svg" not in told
