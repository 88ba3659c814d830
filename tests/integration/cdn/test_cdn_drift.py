"""``drift`` of a CDN at Cloudflare: its API is a stand-in on this machine.

The shapes of the answers are those of Cloudflare's own SDK; a test holds the names of a
Cache Rule against it.
"""

import copy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from deploy import stackfiles
from deploy.cdn import cloudflare
from deploy.cdn.compare import as_api
from deploy.checklist import Status
from deploy.deployment import Deployment
from deploy.drift import looking
from deploy.errors import AuthError, DeployError
from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE
from infra.components.cloudflare_cdn import LOG_SAMPLING_RATE, rule_inputs
from infra.edge import cache_rules, worker_settings

pytestmark = pytest.mark.integration

ID = "0123456789abcdef" * 2
NAME = "kiloscale-production-cdn"
ACCOUNT = f"/accounts/{ID}/workers"
SETTINGS = f"{ACCOUNT}/scripts/{NAME}/settings"
CODE = f"{ACCOUNT}/scripts/{NAME}/content/v2"
RULES = f"/zones/{ID}/rulesets/phases/http_request_cache_settings/entrypoint"
TIERS = f"/zones/{ID}/argo/tiered_caching"
FILE = f"""\
config:
  aws:region: eu-central-1
  kiloscale:supabaseUrl: https://abcdefghijklmnopqrst.supabase.co
  kiloscale:cdnDomain: cdn.example.com
  kiloscale:cloudflareAccountId: {ID}
  kiloscale:cloudflareZoneId: {ID}
"""


@pytest.fixture
def api(monkeypatch) -> Iterator[SimpleNamespace]:
    """Cloudflare's API: ``answers`` by path; ``asked`` has method, path and token."""
    state = SimpleNamespace(answers={}, asked=[], status=200)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            state.asked.append((self.command, path, self.headers["authorization"]))
            found = state.answers.get(path)
            status = state.status if found is not None else 404
            errors = [{"code": 10000, "message": "Authentication error"}]
            body = {"success": status == 200, "result": found, "errors": errors}
            self.send_response(status)
            self.end_headers()
            raw = isinstance(found, bytes)
            self.wfile.write(found if raw else json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(cloudflare, "BASE_URL", url)
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "the-token")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Look for drift of a CDN of a mode; results by the noun of their id."""
    monkeypatch.setattr(stackfiles, "FOLDER", tmp_path)

    def look(mode, more=""):
        text = f"{FILE}  kiloscale:cdn: {mode}\n{more}"
        (tmp_path / "Pulumi.production.yaml").write_text(text)
        deployment = Deployment(stack="production", progress=lambda _: None)
        return {each.id.partition(".")[2]: each for each in looking.cdn(deployment)}

    return look


@pytest.fixture
def rules(api):
    """The zone as the renderer writes it; what is changed in it is drift."""
    made = [
        # What Cloudflare adds to a rule.
        {**copy.deepcopy(as_api(rule_inputs(rule))), "id": "1", "version": "3"}
        for rule in cache_rules.render("cdn.example.com")
    ]
    api.answers = {RULES: {"rules": made}, TIERS: {"id": "x", "value": "on"}}
    return made


@pytest.fixture
def settings(api):
    """The Worker as the renderer writes it."""
    text = worker_settings.render(
        origin="https://abcdefghijklmnopqrst.supabase.co", cache="workers-cache"
    )
    made = {
        "compatibility_date": WORKER_COMPATIBILITY_DATE,
        "cache_options": {"enabled": True, "cross_version_cache": True},
        "observability": {"enabled": True, "head_sampling_rate": LOG_SAMPLING_RATE},
        "bindings": [
            {"name": "CDN", "type": "json", "json": json.loads(text)},
            {"name": "PURGE_KEY", "type": "secret_text"},
        ],
        "logpush": False,
    }
    domains = [{"hostname": "cdn.example.com", "service": NAME}]
    code = b"--x\r\n\r\n" + worker_settings.WORKER.read_bytes() + b"\r\n--x--"
    api.answers = {SETTINGS: made, CODE: code, f"{ACCOUNT}/domains": domains}
    return made


def test_cache_rules_as_declared_do_not_differ_and_nothing_is_written(api, rules, look):
    found = look("cache-rules")

    assert list(found) == ["looked-at"]
    assert {(method, token) for method, _, token in api.asked} == {
        ("GET", "Bearer the-token")
    }


def test_each_change_of_a_cache_rule_is_told(rules, look):
    edge_ttl = rules[0]["action_parameters"]["edge_ttl"]
    edge_ttl["default"] = 60
    edge_ttl["status_code_ttl"][0]["value"] = 0
    rules[1]["enabled"] = False
    gone = rules.pop()["ref"]
    rules.append({"ref": "by-hand", "expression": "true", "id": "9"})
    rules[0], rules[1] = rules[1], rules[0]

    found = look("cache-rules")

    first, second = rules[1]["ref"], rules[0]["ref"]
    assert set(found) == {first, second, gone, "by-hand", "order", "looked-at"}
    assert "action_parameters.edge_ttl.default is 60, declared" in found[first].title
    assert "status_code_ttl is" in found[first].title
    assert found[second].title == (
        f"Cache Rule {second}: enabled is false, declared true"
    )
    assert found[gone].title.endswith("it is gone, declared there")
    assert found["by-hand"].title.endswith("expression is true, declared nothing")
    assert found["order"].status is Status.WARN
    assert all(each.planned for name, each in found.items() if name != "looked-at")
    assert found[gone].remedy == "pulumi up --refresh --stack production"


def test_a_zone_without_any_rule_lacks_each_of_them(api, rules, look):
    api.answers = {TIERS: {"value": "off"}}

    found = look("cache-rules")

    assert found["tiered-cache"].title == "Tiered Cache: value is off, declared on"
    assert len(found) == len(rules) + 2


def test_a_worker_as_declared_does_not_differ(settings, look):
    assert list(look("worker-cache")) == ["looked-at"]


def test_settings_that_cloudflare_gives_as_text_are_the_same(settings, look):
    settings["bindings"][0]["json"] = json.dumps(settings["bindings"][0]["json"])

    assert list(look("worker-cache")) == ["looked-at"]


def test_each_change_of_a_worker_is_told(api, settings, look):
    settings["cache_options"]["cross_version_cache"] = False
    settings["bindings"][0]["json"]["rules"][0]["edgeTtlS"] = 1
    settings["bindings"][1]["type"] = "plain_text"
    settings["bindings"].append({"name": "KV", "type": "kv_namespace"})
    api.answers[CODE] = b"export default {}"
    api.answers[f"{ACCOUNT}/domains"] = []

    found = look("worker-cache")

    told = found["worker"].title
    assert "cache_options.cross_version_cache is false, declared true" in told
    assert "CDN.rules is" in told
    assert "PURGE_KEY is plain_text, declared secret_text" in told
    assert "KV is kv_namespace, declared nothing" in told
    assert found["code"].title.endswith("code is other code, declared worker.js")
    assert found["domain"].title == (
        f"custom domain cdn.example.com: service is nothing, declared {NAME}"
    )


def test_the_other_worker_mode_is_another_setting(settings, look):
    title = look("worker-cache-api")["worker"].title

    assert "cache_options.enabled is true, declared false" in title
    assert "CDN.cache is workers-cache, declared cache-api" in title


def test_a_worker_that_is_gone_is_told(api, settings, look):
    del api.answers[SETTINGS]

    assert look("worker-cache")["worker"].title == (
        f"Worker {NAME}: it is gone, declared there"
    )


def test_a_token_that_is_refused_is_told_without_it(api, settings, look):
    api.status = 403

    with pytest.raises(AuthError) as caught:
        look("worker-cache")

    assert "refuses the API token" in str(caught.value)
    assert "10000 Authentication error" in str(caught.value)
    assert "the-token" not in str(caught.value)


def test_a_cloudflare_that_does_not_answer_is_told(look, monkeypatch):
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "the-token")
    monkeypatch.setattr(cloudflare, "BASE_URL", "http://127.0.0.1:9")

    with pytest.raises(DeployError, match="Cloudflare does not answer: ConnectError"):
        look("worker-cache")


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("none", "cdn is none"),
        ("cache-rules", "CLOUDFLARE_API_TOKEN is not set"),
    ],
)
def test_what_is_not_looked_at_is_skipped_with_the_reason(
    look, monkeypatch, mode, words
):
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN", raising=False)

    (skipped,) = look(mode).values()

    assert skipped.status is Status.SKIPPED
    assert words in skipped.title


@pytest.mark.sweep  # the SDK is large
def test_a_cache_rule_has_the_names_that_cloudflares_own_sdk_has():
    from cloudflare.types.rulesets.set_cache_settings_rule import SetCacheSettingsRule
    from pydantic import TypeAdapter

    def names(schema, node):
        """Every name of a JSON schema, through its references."""
        if isinstance(node, dict):
            yield from node.get("properties", {})
            for each in node.values():
                yield from names(schema, each)
        elif isinstance(node, list):
            for each in node:
                yield from names(schema, each)

    schema = TypeAdapter(SetCacheSettingsRule).json_schema(by_alias=True)
    known = set(names(schema, schema))

    def keys(value):
        if isinstance(value, dict):
            for key, item in value.items():
                yield key
                yield from keys(item)
        elif isinstance(value, list):
            for item in value:
                yield from keys(item)

    for rule in cache_rules.render("cdn.example.com"):
        assert set(keys(as_api(rule_inputs(rule)))) <= known
