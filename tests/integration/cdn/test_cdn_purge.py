"""``cdn.purge`` tells each provider, waits where it has to, and looks again."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import fake_cdn
import pytest

from deploy.cdn import cloudflare
from deploy.cdn.purging import purge as purging
from deploy.cdn.purging.cloudfront import CloudFrontBackend
from deploy.cdn.purging.wanted import Wanted, read
from deploy.cdn.purging.worker import WorkerBackend
from deploy.cdn.purging.zone import ZoneBackend
from deploy.checklist import run_steps
from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError, ExitCode, UsageError

pytestmark = pytest.mark.integration

PUBLIC = "/storage/v1/object/public"
IMAGE = "generated-images/a.png"
PATH = f"{PUBLIC}/{IMAGE}"


@pytest.fixture
def purge(monkeypatch):
    """Purge a CDN; give results by id, the exit code, and what was waited."""

    def purge(fake, wanted, *, wait=False, key=fake_cdn.PURGE_KEY, dry_run=False):
        slept = []
        backend = WorkerBackend(base_url=fake.cdn_url, key=key)
        monkeypatch.setattr(purging, "site_of", lambda _: fake.site)
        monkeypatch.setattr(purging, "backend_of", lambda *_: backend)
        steps = purging.Purge(wanted=wanted, wait=wait, sleep=slept.append).steps()
        deployment = Deployment(
            stack="production", progress=lambda _: None, dry_run=dry_run
        )
        silent = SimpleNamespace(step_started=lambda *_: None, checked=lambda *_: None)
        results, code = run_steps(steps, deployment, silent)
        return {each.id: each for each in results}, code, slept

    return purge


@pytest.fixture
def fake():
    with fake_cdn.serving("worker-cache") as served:
        served.objects[IMAGE] = b"old"
        yield served


def asked_once(fake):
    import httpx

    return httpx.get(fake.cdn_url + PATH, trust_env=False, verify=False)


def test_an_overwritten_image_is_new_after_a_purge(fake, purge):
    asked_once(fake)
    fake.objects[IMAGE] = b"new"
    assert asked_once(fake).content == b"old"

    found, code, slept = purge(fake, Wanted(paths=(PATH,)))

    assert code is ExitCode.DONE
    assert found["purge.sent"].changed
    assert fake.purges == [{"paths": [PATH]}]
    assert asked_once(fake).content == b"new"
    assert slept == []


def test_a_copy_that_still_answers_fails_the_purge(purge):
    with fake_cdn.serving("worker-cache", "forgets nothing") as fake:
        fake.objects[IMAGE] = b"old"
        found, code, _ = purge(fake, Wanted(paths=(PATH,)))

    assert code is ExitCode.NOT_VERIFIED
    assert "the old copy still answers" in found["refetch.image-1"].title


def test_a_copy_of_what_supabases_own_cdn_still_has_is_told(fake, purge):
    fake.smart[IMAGE] = b"old"
    fake.objects[IMAGE] = b"new"

    found, code, _ = purge(fake, Wanted(paths=(PATH,)))

    assert code is ExitCode.NOT_VERIFIED
    assert "Supabase's own CDN still had" in found["refetch.image-1"].title
    assert found["refetch.image-1"].remedy.endswith(f"--path {PATH} --wait")


def test_waiting_purges_again_after_a_minute(fake, purge):
    _, code, slept = purge(fake, Wanted(paths=(PATH,)), wait=True)

    assert code is ExitCode.DONE
    assert slept == [60]
    assert len(fake.purges) == 2


def test_a_deleted_image_is_missing_after_a_purge(fake, purge):
    asked_once(fake)
    del fake.objects[IMAGE]

    found, code, _ = purge(fake, Wanted(paths=(PATH,)))

    assert code is ExitCode.DONE
    assert "answers 404" in found["refetch.image-1"].title


def test_a_purge_that_cloudflare_takes_later_is_sent_again(fake, purge):
    fake.busy = 2

    _, code, slept = purge(fake, Wanted(everything=True))

    assert code is ExitCode.DONE
    assert slept == [15, 15]
    assert fake.purges == [{"everything": True}]


def test_a_purge_that_is_never_taken_is_an_error(fake, purge):
    fake.busy = 99

    found, code, slept = purge(fake, Wanted(everything=True))

    assert code is ExitCode.FAILED
    assert len(slept) == 5
    assert found["purge.error"].title == "Cloudflare refused the purge"


def test_a_part_that_was_purged_is_told(fake, purge):
    paths = tuple(f"{PUBLIC}/generated-images/{number}.png" for number in range(150))
    sent = []

    def failing(call):
        if sent:
            raise DeployError("gone")
        sent.append(call)

    backend = SimpleNamespace(
        calls=WorkerBackend(base_url=fake.cdn_url, key="x").calls, send=failing
    )
    with pytest.raises(DeployError, match="1 of 2 purges are done, then: gone") as met:
        purging.Purge(wanted=Wanted(paths=paths), wait=False)._send(
            Deployment(stack="production", progress=lambda _: None),
            backend,
            backend.calls(Wanted(paths=paths)),
        )
    assert met.value.exit_code is ExitCode.HALF_DONE


def test_another_key_is_refused_and_not_shown(fake, purge):
    found, code, _ = purge(fake, Wanted(everything=True), key="secret-of-somebody")

    assert code is ExitCode.AUTH
    assert "secret-of-somebody" not in repr(found)


def test_a_dry_run_sends_nothing(fake, purge):
    found, _, _ = purge(fake, Wanted(paths=(PATH,)), dry_run=True)

    assert found["purge.sent"].planned
    assert found["purge.sent"].evidence["calls"][0]["body"] == {"paths": [PATH]}
    assert (fake.purges, fake.asked) == ([], {})


def test_the_key_is_in_no_representation():
    assert "secret" not in repr(WorkerBackend(base_url="https://a", key="secret"))


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        (IMAGE, PATH),
        (PATH, PATH),
        (f"https://abc.supabase.co{PATH}?v=2", PATH),
        ("generated-images/a b é.png", f"{PUBLIC}/generated-images/a%20b%20%C3%A9.png"),
        ("generated-images/a%20b.png", f"{PUBLIC}/generated-images/a%20b.png"),
    ],
)
def test_an_image_may_be_named_in_each_usual_way(typed, path):
    assert read(paths=[typed]).paths == (path,)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({}, "one of --path, --tag and --everything is needed"),
        ({"paths": [IMAGE], "everything": True}, "one of --path, --tag and"),
        ({"paths": ["avatars/a.png"]}, "--path 'avatars/a.png': must be <bucket>/"),
        ({"paths": ["generated-images/../../x"]}, "--path 'generated-images/"),
        ({"paths": ["generated-images/"]}, "--path 'generated-images/'"),
        ({"tags": ["rule-x"]}, "--tag 'rule-x': must be one of rule-chart-svgs"),
    ],
)
def test_what_cannot_be_purged_is_refused_with_what_can(typed, told):
    with pytest.raises(UsageError) as met:
        read(**typed)

    assert str(met.value).startswith(told)
    assert str(met.value).endswith("nothing was purged")


# Cloudflare's zone


@pytest.fixture
def zone(monkeypatch):
    """The purge API of a zone; ``statuses`` are the answers' in order."""
    state = SimpleNamespace(asked=[], statuses=[])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            state.asked.append((self.path, json.loads(body)))
            status = state.statuses.pop(0) if state.statuses else 200
            self.send_response(status)
            self.send_header("retry-after", "7")
            self.end_headers()
            told = {"success": status == 200, "errors": [{"code": 9, "message": "no"}]}
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(cloudflare, "BASE_URL", url)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    with cloudflare.Api("the-token") as api:
        state.backend = ZoneBackend(api=api, zone_id="z1", host="cdn.example.com")
        yield state
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_zone_forgets_addresses_and_their_versions(zone):
    calls = zone.backend.calls(Wanted(paths=(PATH,)))
    for call in calls:
        zone.backend.send(call)

    assert zone.asked == [
        ("/zones/z1/purge_cache", {"files": [f"https://cdn.example.com{PATH}"]}),
        ("/zones/z1/purge_cache", {"prefixes": [f"cdn.example.com{PATH}"]}),
    ]


def test_a_zone_never_forgets_other_sites(zone):
    everything = zone.backend.calls(Wanted(everything=True))
    tag = zone.backend.calls(Wanted(tags=("rule-chart-svgs",)))

    assert [call.body for call in everything] == [
        {"prefixes": [f"cdn.example.com{PUBLIC}"]}
    ]
    assert tag[0].body == {"prefixes": [f"cdn.example.com{PUBLIC}/report-images"]}
    assert tag[0].note == "the whole bucket report-images"


def test_a_busy_zone_says_when_it_takes_more(zone):
    zone.statuses = [429]

    with pytest.raises(DeployError, match="takes no more purges now") as met:
        zone.backend.send(zone.backend.calls(Wanted(everything=True))[0])

    assert met.value.wait_s == 7


def test_a_token_without_the_right_is_an_error_of_rights(zone):
    zone.statuses = [403]

    with pytest.raises(AuthError, match="refuses the API token"):
        zone.backend.send(zone.backend.calls(Wanted(everything=True))[0])


# CloudFront


class Distributions:
    """A client of CloudFront whose invalidations are complete at the second look."""

    class exceptions:  # noqa: N801 - boto3's name
        class TooManyInvalidationsInProgress(Exception):  # noqa: N818
            """As boto3 raises it."""

    def __init__(self) -> None:
        self.made: list[dict[str, object]] = []
        self.looks = 0
        self.busy = False

    def create_invalidation(self, **given):
        if self.busy:
            raise self.exceptions.TooManyInvalidationsInProgress
        self.made.append(given)
        return {"Invalidation": {"Id": "I1", "Status": "InProgress"}}

    def get_invalidation(self, **given):
        self.looks += 1
        status = "Completed" if self.looks > 1 else "InProgress"
        return {"Invalidation": {"Id": given["Id"], "Status": status}}


@pytest.fixture
def distribution():
    client, slept = Distributions(), []
    backend = CloudFrontBackend(
        deployment=Deployment(stack="production", progress=lambda _: None),
        client=client,
        distribution="E1",
        sleep=slept.append,
    )
    return SimpleNamespace(client=client, backend=backend, slept=slept)


def test_an_invalidation_takes_versions_along_and_is_waited_for(distribution):
    for call in distribution.backend.calls(Wanted(paths=(PATH,))):
        distribution.backend.send(call)

    (made,) = distribution.client.made
    assert made["DistributionId"] == "E1"
    assert made["InvalidationBatch"]["Paths"] == {"Quantity": 1, "Items": [f"{PATH}*"]}
    assert distribution.slept == [5, 5]


def test_no_invalidation_has_more_stars_than_cloudfront_takes(distribution):
    paths = tuple(f"{PUBLIC}/generated-images/{number}.png" for number in range(40))

    calls = distribution.backend.calls(Wanted(paths=paths))

    assert [len(call.body["paths"]) for call in calls] == [15, 15, 10]


def test_too_many_invalidations_are_tried_again_later(distribution):
    distribution.client.busy = True

    with pytest.raises(DeployError, match="too many invalidations") as met:
        distribution.backend.send(
            distribution.backend.calls(Wanted(everything=True))[0]
        )

    assert met.value.wait_s == 30
