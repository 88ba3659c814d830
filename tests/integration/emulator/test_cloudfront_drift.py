"""``drift`` of a CDN at CloudFront: a distribution on the emulator, made by its API."""

from types import SimpleNamespace

import pytest
from as_cloud import reached

from deploy.checklist import Status
from deploy.deployment import Deployment
from deploy.drift import looking
from deploy.emulator.clients import client
from infra.components.cloudfront_cdn import CACHING_DISABLED, REFUSE
from infra.edge import path_patterns

pytestmark = pytest.mark.integration

DOMAIN, ORIGIN = "cdn.example.com", "abcdefghijklmnopqrst.supabase.co"
NAME = "kiloscale-production-cdn-refuse"
RENDERED = path_patterns.render()
PATTERNS = [(each.pattern, each.rule) for each in RENDERED if each.rule]
REFUSED = [each.pattern for each in RENDERED if not each.rule]


def counted(items):
    return {"Quantity": len(items), "Items": items}


def cache_policy(cloudfront, ttl):
    keyed = {
        "EnableAcceptEncodingGzip": True,
        "HeadersConfig": {"HeaderBehavior": "none"},
        "CookiesConfig": {"CookieBehavior": "none"},
        "QueryStringsConfig": {"QueryStringBehavior": "none"},
    }
    config = {
        "Name": f"ttl-{ttl}",
        "MinTTL": ttl,
        "DefaultTTL": ttl,
        "MaxTTL": ttl,
        "ParametersInCacheKeyAndForwardedToOrigin": keyed,
    }
    made = cloudfront.create_cache_policy(CachePolicyConfig=config)
    return made["CachePolicy"]["Id"]


def headers_policy(cloudfront, ttl):
    header = {
        "Header": "Cache-Control",
        "Value": f"public, max-age={ttl}",
        "Override": True,
    }
    config = {"Name": f"browser-{ttl}", "CustomHeadersConfig": counted([header])}
    made = cloudfront.create_response_headers_policy(ResponseHeadersPolicyConfig=config)
    return made["ResponseHeadersPolicy"]["Id"]


def function(cloudfront, code):
    config = {"Comment": "", "Runtime": "cloudfront-js-2.0"}
    made = cloudfront.create_function(
        Name=NAME, FunctionConfig=config, FunctionCode=code
    )
    cloudfront.publish_function(Name=NAME, IfMatch=made["ETag"])
    return made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]


@pytest.fixture(scope="module")
def made(start):
    """An account with a distribution as the stack declares it, and its parts."""
    stack = start().stack
    cloudfront = client(stack, "cloudfront")
    edge = {rule.edge_ttl_s for _, rule in PATTERNS}
    browser = {rule.browser_ttl_s for _, rule in PATTERNS}
    policies = {ttl: cache_policy(cloudfront, ttl) for ttl in {*edge, 60}}
    headers = {ttl: headers_policy(cloudfront, ttl) for ttl in browser}
    refuse = function(cloudfront, REFUSE.read_bytes())
    common = {"TargetOriginId": "o", "ViewerProtocolPolicy": "redirect-to-https"}
    association = {"FunctionARN": refuse, "EventType": "viewer-request"}
    refusing = [
        {
            **common,
            "PathPattern": pattern,
            "CachePolicyId": CACHING_DISABLED,
            "FunctionAssociations": counted([association]),
        }
        for pattern in REFUSED
    ]
    behaviors = refusing + [
        {
            **common,
            "PathPattern": pattern,
            "CachePolicyId": policies[rule.edge_ttl_s],
            "ResponseHeadersPolicyId": headers[rule.browser_ttl_s],
        }
        for pattern, rule in PATTERNS
    ]
    config = {
        "CallerReference": "1",
        "Comment": "",
        "Enabled": True,
        "Aliases": counted([DOMAIN]),
        "Origins": counted(
            [
                {
                    "Id": "o",
                    "DomainName": ORIGIN,
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                    },
                }
            ]
        ),
        "DefaultCacheBehavior": {
            **common,
            "CachePolicyId": CACHING_DISABLED,
            "FunctionAssociations": counted([association]),
        },
        "CacheBehaviors": counted(behaviors),
        "ViewerCertificate": {
            "ACMCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x",
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
    }
    known = cloudfront.create_distribution(DistributionConfig=config)
    return SimpleNamespace(
        stack=stack,
        cloudfront=cloudfront,
        policies=policies,
        id=known["Distribution"]["Id"],
    )


@pytest.fixture
def cloud(made, tmp_path, monkeypatch):
    """``change(how)`` changes the distribution for one test; ``look()`` looks."""
    values = {"supabaseUrl": f"https://{ORIGIN}", "cdn": "cloudfront"}
    reached(made.stack, "production", tmp_path, monkeypatch, cdnDomain=DOMAIN, **values)
    before = made.cloudfront.get_distribution_config(Id=made.id)

    def put(config):
        etag = made.cloudfront.get_distribution_config(Id=made.id)["ETag"]
        made.cloudfront.update_distribution(
            Id=made.id, IfMatch=etag, DistributionConfig=config
        )

    def change(how):
        config = made.cloudfront.get_distribution_config(Id=made.id)
        how(config["DistributionConfig"])
        put(config["DistributionConfig"])

    def look():
        deployment = Deployment(stack="production", progress=lambda _: None)
        found = looking.cdn(deployment)
        return {each.id.partition(".")[2]: each for each in found}

    yield SimpleNamespace(change=change, look=look)
    put(before["DistributionConfig"])


def test_a_distribution_as_declared_does_not_differ(cloud):
    found = cloud.look()

    assert [each.title for each in found.values()] == [
        f"cloudfront of {DOMAIN}: none differs"
    ]


def test_what_somebody_changed_at_the_console_is_told(cloud, made):
    def changed(config):
        refusing = config["CacheBehaviors"]["Items"][0]
        refusing["FunctionAssociations"] = {"Quantity": 0}
        behaviors = config["CacheBehaviors"]["Items"][len(REFUSED) :]
        behaviors[0]["CachePolicyId"] = made.policies[60]
        behaviors[1]["ViewerProtocolPolicy"] = "allow-all"
        del behaviors[2]["ResponseHeadersPolicyId"]
        behaviors[3]["PathPattern"] = "/mine/*"
        config["Origins"]["Items"][0]["DomainName"] = "elsewhere.supabase.co"
        config["ViewerCertificate"]["MinimumProtocolVersion"] = "TLSv1"
        config["DefaultCacheBehavior"]["FunctionAssociations"] = {"Quantity": 0}

    cloud.change(changed)

    found = cloud.look()

    told = "\n".join(each.title for each in found.values())
    first = PATTERNS[0][1].edge_ttl_s
    assert f"TTLs is [60, 60, 60], declared [{first}, {first}, {first}]" in told
    assert "ViewerProtocolPolicy is allow-all, declared redirect-to-https" in told
    assert "Cache-Control is nothing, declared public, max-age=" in told
    assert f"{PATTERNS[3][0]} of distribution {made.id}: it is gone" in told
    assert "PathPattern is /mine/*, declared nothing" in told
    assert 'Origins is ["elsewhere.supabase.co"], declared' in told
    assert "MinimumProtocolVersion is TLSv1, declared TLSv1.2_2021" in told
    assert "FunctionAssociations is [], declared" in told
    assert found["distribution"].status is Status.WARN
    assert found["distribution"].remedy == "pulumi up --refresh --stack production"
    assert len(found) == len({each.title for each in found.values()}) == 9


def test_behaviours_in_another_order_are_told(cloud):
    cloud.change(lambda config: config["CacheBehaviors"]["Items"].reverse())

    assert set(cloud.look()) == {"order", "looked-at"}


def test_a_distribution_of_another_name_is_none(cloud):
    cloud.change(lambda config: config.update(Aliases=counted(["x.example.com"])))

    assert cloud.look()["distribution"].title == (
        f"distribution of {DOMAIN}: it is gone, declared there"
    )


def test_another_function_that_answers_other_paths_is_told(cloud, made):
    def etag():
        return made.cloudfront.describe_function(Name=NAME, Stage="DEVELOPMENT")["ETag"]

    made.cloudfront.update_function(
        Name=NAME,
        IfMatch=etag(),
        FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=b"function handler(event) { return event.request; }",
    )
    made.cloudfront.publish_function(Name=NAME, IfMatch=etag())

    found = cloud.look()["refusal"]

    assert found.title.endswith("code is other code, declared refuse.js")
