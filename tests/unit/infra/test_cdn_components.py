"""What each CDN is made of, in an update and in a preview."""

import json
import sys

import pytest
from edge_stacks import (
    CERTIFICATE,
    ID,
    MODES,
    broken,
    inputs,
    only_the_cdn,
    stack,
    values,
)
from infra_recording import record
from pulumi import ResourceOptions

from deploy.paths import REPOSITORY
from deploy.planning import cache_rule_lint, cloudformation_edge
from deploy.planning.cloudformation import findings
from deploy.planning.recording import REGION, whole_program
from infra.cdn_config import CdnConfig
from infra.components.certificate import Certificate, CertificateArgs
from infra.components.cloudflare_cdn import CloudflareCdn, CloudflareCdnArgs
from infra.components.cloudfront_cdn import CloudFrontCdnArgs
from infra.config import StackConfig
from infra.config_values import ConfigError
from infra.edge.names import spellings
from infra.edge_accounts import EdgeAccounts
from infra.policies import check
from infra.policies.resources import Resources

DISTRIBUTION = "cloudfront/distribution:Distribution"
SCRIPT = "cloudflare:index/workersScript:WorkersScript"
RULESET = "cloudflare:index/ruleset:Ruleset"
RECORD = "cloudflare:index/dnsRecord:DnsRecord"


def of_cdn(resources: Resources) -> set[tuple[str, str]]:
    """The types and names of a CDN's resources, without components."""
    kinds = ("cloudflare:", "aws:cloudfront/", "aws:acm/", "aws:route53/")
    return {(each.type, each.name) for each in resources if each.type.startswith(kinds)}


def settings(resources: Resources) -> dict[str, object]:
    bindings = inputs(resources, SCRIPT, "cdn")["bindings"]
    return json.loads(next(each["json"] for each in bindings if each["name"] == "CDN"))


@pytest.mark.parametrize("mode", MODES)
def test_a_preview_declares_what_an_update_makes(mode):
    assert of_cdn(stack(mode, preview=True)) == of_cdn(stack(mode))


@pytest.mark.parametrize("mode", MODES)
def test_two_runs_declare_the_same_cdn(mode):
    def told(resources):
        return sorted(
            (each.type, each.name, json.dumps(dict(each.inputs), sort_keys=True))
            for each in resources
            if (each.type, each.name) in of_cdn(resources)
        )

    assert told(stack.__wrapped__(mode)) == told(stack(mode))


def test_without_a_cdn_nothing_is_made():
    assert list(stack("none")) == []


def test_the_local_stack_makes_none():
    assert record(only_the_cdn, values=values("cloudfront"), stack="local")[0] == []


def test_a_worker_answers_for_the_domain():
    resources, given = record(only_the_cdn, values=values("worker-cache"))

    assert of_cdn(resources) == {
        (SCRIPT, "cdn"),
        ("cloudflare:index/workersCustomDomain:WorkersCustomDomain", "cdn-domain"),
    }
    script = inputs(resources, SCRIPT, "cdn")
    assert script["scriptName"] == "kiloscale-test-cdn"
    assert script["cacheOptions"] == {"enabled": True, "crossVersionCache": True}
    assert settings(resources)["origin"] == "https://abc.supabase.co"
    assert settings(resources)["cache"] == "workers-cache"
    assert given["base"] == "https://cdn.example.com"


def test_the_other_worker_keeps_copies_itself():
    resources = stack("worker-cache-api")

    assert inputs(resources, SCRIPT, "cdn")["cacheOptions"]["enabled"] is False
    assert settings(resources)["cache"] == "cache-api"


def test_cache_rules_stand_behind_a_proxied_name():
    resources = stack("cache-rules")
    proxied = inputs(resources, RECORD, "cdn-domain")

    assert (proxied["content"], proxied["proxied"]) == ("abc.supabase.co", True)
    ruleset = inputs(resources, RULESET, "cdn-rules")
    assert ruleset["phase"] == "http_request_cache_settings"
    assert [rule["ref"] for rule in ruleset["rules"]] == [
        "kiloscale_report_images",
        "kiloscale_website_images",
        "kiloscale_generated_images",
        "kiloscale_chart_svgs",
    ]
    last = ruleset["rules"][-1]["actionParameters"]
    assert (last["edgeTtl"]["default"], last["browserTtl"]["default"]) == (86400, 3600)


@pytest.mark.parametrize("mode", ["cache-rules", "worker-cache"])
def test_only_the_name_of_supabases_custom_domain_outlives_the_cdn(mode):
    kept = set()

    def note(args):
        if args.opts.retain_on_delete:
            kept.add(args.type_)

    def program():
        read = StackConfig.load()
        args = CloudflareCdnArgs(
            physical_name="cdn", config=read.cdn, accounts=read.edge
        )
        CloudflareCdn("cdn", args, ResourceOptions(transformations=[note]))
        return {}

    record(program, values=values(mode))

    assert kept == ({RECORD} if mode == "cache-rules" else set())


def test_a_distribution_has_a_behaviour_for_each_pattern():
    resources = stack("cloudfront")
    distribution = inputs(resources, DISTRIBUTION, "cdn")

    assert [
        (each["pathPattern"][26:], each["cachePolicyId"])
        for each in distribution["orderedCacheBehaviors"]
        if not each.get("functionAssociations")
    ] == [
        *((f"report-images/*{svg}", "cdn-86400-id") for svg in spellings(".svg")),
        ("generated-images/*", "cdn-604800-id"),
        ("website-images/*", "cdn-604800-id"),
        ("report-images/*", "cdn-604800-id"),
    ]
    assert distribution["aliases"] == ["cdn.example.com"]
    assert distribution["waitForDeployment"] is False


def test_names_that_are_unique_in_an_account_carry_the_stack():
    names = {
        each.get("name")
        for each in stack("cloudfront")
        if each.type.startswith("aws:cloudfront/") and each.get("name")
    }

    assert len(names) == 5
    assert all(name.startswith("kiloscale-test-cdn-") for name in names)


def test_a_zone_at_route_53_gets_the_proof_and_two_aliases():
    records = {
        each.name: each for each in stack("cloudfront").of("route53/record:Record")
    }

    assert {name: each.get("type") for name, each in records.items()} == {
        "cdn-certificate-proof": "CNAME",
        "cdn-domain-ipv4": "A",
        "cdn-domain-ipv6": "AAAA",
    }


@pytest.fixture(scope="module")
def at_cloudflare() -> Resources:
    """CloudFront with the domain's records at Cloudflare."""
    return stack("cloudfront", route53ZoneId="", cloudflareZoneId=ID)


def test_a_zone_at_cloudflare_gets_them_without_its_proxy(at_cloudflare):
    records = {each.name: each for each in at_cloudflare.of(RECORD)}

    assert set(records) == {"cdn-certificate-proof", "cdn-domain"}
    assert [each.get("proxied") for each in records.values()] == [False, False]
    assert not records["cdn-certificate-proof"].get("name").endswith(".")


def test_a_certificate_that_is_given_is_taken_and_no_record_is_made():
    resources = stack("cloudfront", route53ZoneId="", certificateArn=CERTIFICATE)
    distribution = inputs(resources, DISTRIBUTION, "cdn")

    assert distribution["viewerCertificate"]["acmCertificateArn"] == CERTIFICATE
    assert not list(resources.of("acm/certificate:Certificate"))
    assert not list(resources.of("route53/record:Record"))


def test_a_certificate_is_made_where_cloudfront_looks_for_it():
    certificate = inputs(
        stack("cloudfront"), "acm/certificate:Certificate", "cdn-certificate"
    )

    assert (certificate["region"], certificate["validationMethod"]) == (
        "us-east-1",
        "DNS",
    )


def test_a_certificate_without_any_account_is_an_error():
    def program():
        args = CertificateArgs(domain="cdn.example.com", accounts=EdgeAccounts())
        Certificate("certificate", args)
        return {}

    with pytest.raises(ConfigError, match="certificateArn: missing, and cdn"):
        record(program)


@pytest.mark.parametrize("args", [CloudflareCdnArgs, CloudFrontCdnArgs])
def test_a_component_refuses_a_mode_of_somebody_else(args):
    with pytest.raises(ValueError, match="mode must be "):
        args(physical_name="cdn", config=CdnConfig(), accounts=EdgeAccounts())


def test_cfn_lint_has_nothing_to_say_of_the_distribution():
    assert findings(stack("cloudfront"), REGION) == []


def test_cfn_lint_sees_wrong_values_of_the_edge():
    faults = broken(
        stack("cloudfront"),
        f"aws:{DISTRIBUTION}",
        "cdn",
        ["viewerCertificate", "sslSupportMethod"],
        "SNI",
    )
    faults = broken(faults, f"aws:{DISTRIBUTION}", "cdn", ["httpVersion"], "http4")
    edge = Resources(
        each for each in faults if (each.type, each.name) in of_cdn(faults)
    )

    found = findings(edge, REGION)

    assert any("'http4' is not one of" in text for text in found)
    assert any("'SNI' is not one of" in text for text in found)


def test_every_kind_of_the_edge_is_linted_or_known_to_have_no_schema():
    kinds = {kind for kind, _ in of_cdn(stack("cloudfront"))}

    known = set(cloudformation_edge.KINDS) | cloudformation_edge.NOT_IN_CLOUDFORMATION
    assert kinds == known


def test_the_linter_of_cache_rules_has_nothing_to_say_for_the_free_plan():
    assert cache_rule_lint.findings(stack("cache-rules")) == []


@pytest.mark.parametrize(
    ("path", "new", "code"),
    [
        (["expression"], '(http.hots eq "a")', "CF308"),
        (["expression"], '(http.host matches "a.*")', "CF500"),
        (["actionParameters", "edgeTtl", "mode"], "overide", "CF410"),
        (["actionParameters", "edgeTtl", "default"], -5, "CF412"),
    ],
)
def test_the_linter_of_cache_rules_sees_what_cloudflare_would_refuse(path, new, code):
    faulty = broken(
        stack("cache-rules"), RULESET, "cdn-rules", ["rules", 0, *path], new
    )

    assert any(code in text for text in cache_rule_lint.findings(faulty))


def test_the_whole_program_with_cloudfront_never_imports_cloudflare(monkeypatch):
    # With None there an import raises.
    monkeypatch.setitem(sys.modules, "pulumi_cloudflare", None)

    resources, given = record(whole_program, values=values("cloudfront"))

    assert of_cdn(resources) == of_cdn(stack("cloudfront"))
    assert check(resources) == []
    assert given["cdnUrls"] == {
        "base": "https://cdn.example.com",
        "target": "d111111abcdef8.cloudfront.net",
    }


def test_no_module_imports_cloudflare_before_a_component_needs_it():
    for path in (REPOSITORY / "infra").rglob("*.py"):
        imports = [
            line
            for line in path.read_text().splitlines()
            if line.startswith(("import pulumi_cloudflare", "from pulumi_cloudflare"))
        ]
        assert imports == [], path
