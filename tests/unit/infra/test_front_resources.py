import json

import pytest
from infra_front import CLOUDFRONT, WORKER, recorded

from deploy.planning.cloudformation import findings
from infra.catalog.front import public_services, timeouts_s
from infra.edge.front_code import CLOUDFRONT_BYTES_MAX, response_code
from infra.front_routing import Front
from infra.policies.resources import Resources

BOTH = {"cloudfront": CLOUDFRONT, "worker": WORKER}
FUNCTION = "cloudfront/function:Function"
SCRIPT = "cloudflare:index/workersScript:WorkersScript"


def one(resources, kind, name="api-front"):
    return next(each for each in resources.of(kind) if each.name == name)


def of_front(resources):
    """What belongs to the front, as it was declared."""
    return sorted(
        (each.type, each.name, str(dict(each.inputs)))
        for each in resources
        if each.name.startswith("api-front")
    )


@pytest.mark.parametrize("mode", BOTH)
def test_the_base_is_an_output(mode):
    _, outputs = recorded(BOTH[mode])

    assert outputs["apiUrls"]["base"] == "https://api.example.com/functions/v1"


def test_without_a_front_there_is_no_such_output(stack):
    assert "apiUrls" not in stack[1]


@pytest.mark.parametrize("mode", BOTH)
def test_two_runs_declare_the_same_front(mode):
    again, _ = recorded.__wrapped__(BOTH[mode])

    assert of_front(again) == of_front(recorded(BOTH[mode])[0])


@pytest.mark.parametrize("mode", BOTH)
def test_a_preview_has_the_resources_of_the_update(mode):
    made = [each[:2] for each in of_front(recorded(BOTH[mode])[0])]
    previewed = of_front(recorded(BOTH[mode], preview=True)[0])

    assert [each[:2] for each in previewed] == made


def test_the_front_satisfies_the_schemas_of_aws():
    resources, _ = recorded(CLOUDFRONT)
    front = Resources(each for each in resources if each.name.startswith("api-front"))

    assert findings(front, "us-east-1") == []


def test_each_public_function_is_an_origin_and_so_are_the_present_ones():
    distribution = one(recorded(CLOUDFRONT)[0], "cloudfront/distribution:Distribution")

    hosts = {
        each["originId"]: each["domainName"] for each in distribution.get("origins")
    }
    assert hosts["present"] == "abc.supabase.co"
    assert hosts["chat-send"].startswith("chat-send-url.lambda-url.")
    # Named by the route, which is not the service's name.
    assert hosts["chat-history"].startswith("read-history-url.lambda-url.")
    assert set(hosts) == {*public_services(), "present"}


def test_a_change_of_the_share_changes_the_functions_code_and_nothing_else():
    changed = tuple({**dict(CLOUDFRONT), "cutoverPercent": "50"}.items())

    before, after = (of_front(recorded(each)[0]) for each in (CLOUDFRONT, changed))

    differing = {each[:2] for each in set(before) ^ set(after)}
    assert differing == {
        (f"aws:{FUNCTION}", "api-front-request"),
        (f"aws:{FUNCTION}", "api-front-response"),
    }


def test_the_name_points_at_the_distribution():
    record = one(
        recorded(CLOUDFRONT)[0], "route53/record:Record", "api-front-record-ipv4"
    )

    assert record.get("name") == "api.example.com"
    assert record.get("aliases")[0]["name"] == "d111111abcdef8.cloudfront.net"


def test_without_a_zone_the_target_is_an_output_and_no_record_is_made():
    arn = "arn:aws:acm:us-east-1:123456789012:certificate/" + "0" * 36
    own = (*(each for each in CLOUDFRONT if each[0] != "route53ZoneId"),)

    resources, outputs = recorded((*own, ("certificateArn", arn)))

    assert outputs["apiUrls"]["target"] == "d111111abcdef8.cloudfront.net"
    assert not list(resources.of("route53/record:Record"))


def test_the_worker_gets_the_addresses_and_how_long_to_wait():
    script = one(recorded(WORKER)[0], SCRIPT)

    settings = json.loads(script.get("bindings")[0]["json"])
    assert settings["percent"] == 5
    assert settings["presentOrigin"] == "https://abc.supabase.co"
    assert set(settings["origins"]) == set(public_services())
    assert settings["timeoutsMs"]["health-check"] == 35_000


def test_the_front_waits_longer_than_any_function_may_run():
    waits = timeouts_s()

    for name, service in public_services().items():
        assert waits[name] > service.timeout_s


def test_a_function_that_cloudfront_would_refuse_is_an_error_here():
    long = Front(percent=1, ours=("n" * CLOUDFRONT_BYTES_MAX,), shared=(), present=None)

    with pytest.raises(ValueError, match=r"and CloudFront takes 10240"):
        response_code(long)
