import pytest
from edge_stacks import CERTIFICATE, ID, MODES
from infra_recording import PLAIN, SECRETS

from infra.catalog.cdn_modes import CDN_MODES
from infra.config import StackConfig
from infra.config_values import ConfigError, Values
from infra.edge_accounts import EdgeAccounts

pytestmark = pytest.mark.usefixtures("event_loop")

ZONE = "Z0123456789ABC"


def read(mode: str, *without: str, stack: str = "production", **changes: str):
    given = {**PLAIN, **SECRETS, "cdn": mode, **MODES.get(mode, {}), **changes}
    for key in without:
        del given[key]
    values = Values(stack=stack, given=given, secrets={*SECRETS, "purgeKey"})
    return StackConfig.read(values)


def problem(mode: str, *without: str, **changes: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read(mode, *without, **changes)
    return str(caught.value).removeprefix("Pulumi.production.yaml: kiloscale:")


@pytest.mark.parametrize("mode", CDN_MODES)
def test_a_complete_configuration_is_accepted(mode):
    assert read(mode).cdn.mode == mode


def test_the_local_stack_has_no_cdn_whatever_is_configured():
    assert read("worker-cache", stack="local").cdn.mode == "none"


def test_a_mode_that_does_not_exist_is_refused_with_those_that_do():
    assert problem("worker") == (
        "cdn: must be one of none, worker-cache, worker-cache-api, cache-rules,"
        " cloudfront, got worker"
    )


@pytest.mark.parametrize(
    ("mode", "key"),
    [
        ("worker-cache", "cloudflareAccountId"),
        ("worker-cache-api", "cloudflareZoneId"),
        ("worker-cache", "cdnDomain"),
        ("cache-rules", "cloudflareZoneId"),
        ("cache-rules", "cdnDomain"),
        ("cloudfront", "cdnDomain"),
    ],
)
def test_what_a_mode_needs_is_named_with_the_command(mode, key):
    text = problem(mode, key)

    assert text.startswith(f"{key}: missing, and cdn {mode} needs it: the ")
    assert text.endswith(f"; run `pulumi config set {key} ...`")


def test_a_worker_needs_a_purge_key():
    assert problem("worker-cache", "purgeKey") == (
        "purgeKey: missing, and cdn worker-cache needs it: without it nobody can empty"
        " the cache; run `openssl rand -hex 32 | pulumi config set --secret purgeKey`"
    )


def test_a_short_purge_key_is_refused_and_not_quoted():
    text = problem("worker-cache", purgeKey="hunter2")

    assert text == "purgeKey: must have at least 32 characters, got 7"


def test_cloudfront_needs_a_certificate_or_a_zone_to_prove_one():
    assert problem("cloudfront", "route53ZoneId") == (
        "certificateArn: missing, and cdn cloudfront needs a certificate: give one of"
        " ACM in us-east-1, or cloudflareZoneId or route53ZoneId to have one made and"
        " proved by DNS; run `pulumi config set certificateArn ...`"
    )
    assert read("cloudfront", "route53ZoneId", certificateArn=CERTIFICATE)
    assert read("cloudfront", "route53ZoneId", cloudflareZoneId=ID)


@pytest.mark.parametrize(
    ("mode", "key", "value", "wrong"),
    [
        ("none", "cdnDomain", "https://cdn.example.com", "must be a host name"),
        ("none", "cdnDomain", "Cdn.example.com", "in lower case"),
        ("none", "cdnDomain", "cdn", "must be a host name"),
        ("none", "cdnDomain", f"{'a' * 64}.example.com", "must be a host name"),
        ("none", "cdnDomain", "abc.supabase.co", "must be in a domain of yours"),
        ("none", "cloudflareZoneId", "example.com", "32 hexadecimal digits"),
        ("none", "cloudflareAccountId", ID.upper(), "in lower case"),
        ("none", "route53ZoneId", "example.com", "a hosted zone's id, Z..."),
        ("none", "certificateArn", "arn:aws:iam::1:role/x", "must be an ARN"),
        (
            "none",
            "certificateArn",
            CERTIFICATE.replace("us-east-1", "eu-central-1"),
            "must be in us-east-1, got eu-central-1",
        ),
        ("worker-cache", "route53ZoneId", ZONE, "must not stand beside cloudflareZone"),
        ("worker-cache", "supabaseUrl", "http://127.0.0.1:54321", "must be https for"),
        ("cloudfront", "supabaseUrl", "https://a.example.com:8443", "have no port"),
        (
            "cache-rules",
            "supabaseUrl",
            "https://api.x.com",
            "https://<ref>.supabase.co",
        ),
        ("cloudfront", "supabaseUrl", "https://cdn.example.com", "would ask itself"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(mode, key, value, wrong):
    assert wrong in problem(mode, **{key: value})


def test_the_same_configuration_without_a_cdn_needs_nothing():
    assert read("none").edge == EdgeAccounts()
    assert read("none").cdn.purge_key is None


def test_a_token_of_cloudflare_in_plain_text_is_refused_and_not_quoted():
    given = {f"kiloscale:{key}": value for key, value in (PLAIN | SECRETS).items()}
    secrets = {f"kiloscale:{key}" for key in SECRETS}
    token = {"cloudflare:apiToken": "hunter2"}

    with pytest.raises(ConfigError) as caught:
        StackConfig.read(Values.from_pulumi("production", given | token, secrets))
    kept = Values.from_pulumi("production", given | token, secrets | set(token))

    assert str(caught.value) == (
        "Pulumi.production.yaml: cloudflare:apiToken: stored in plain text; roll it at"
        " Cloudflare, then run `pulumi config set --secret cloudflare:apiToken`"
    )
    assert StackConfig.read(kept).stack == "production"
