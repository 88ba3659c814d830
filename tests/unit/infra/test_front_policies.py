import json

import pytest
from infra_front import CLOUDFRONT, WORKER, recorded
from pack_asked import ask, found_by_its_policy, needs_another
from test_policies import broken

from infra.policies import OF_ONE, check, front
from infra.policies.front import SCRIPT

FRONTS = {"cloudfront": CLOUDFRONT, "worker": WORKER}
DISTRIBUTION = "cloudfront/distribution:Distribution"
NAME = "api-front"


@pytest.mark.parametrize("mode", FRONTS)
@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_a_front_breaks_no_rule(mode, preview):
    assert check(recorded(FRONTS[mode], preview=preview)[0]) == []


def distribution(**inputs):
    """The program with CloudFront, and some inputs of the distribution changed."""
    resources, _ = recorded(CLOUDFRONT)
    return broken(resources, DISTRIBUTION, NAME, **inputs)


def behavior(**changes):
    """The distribution's one behaviour, changed."""
    resources, _ = recorded(CLOUDFRONT)
    found = next(each for each in resources.of(DISTRIBUTION) if each.name == NAME)
    return {**found.get("defaultCacheBehavior"), **changes}


def compact(settings):
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))


def script(content=None, cache=None, observability=None, **settings):
    """The program with the Worker, and something of it changed."""
    resources, _ = recorded(WORKER)
    found = next(resources.of(SCRIPT))
    known = json.loads(found.get("bindings")[0]["json"]) | settings
    binding = {"name": "FRONT", "type": "json", "json": compact(known)}
    inputs = {
        **found.inputs,
        "bindings": [binding],
        "content": content or found.get("content"),
        "cacheOptions": cache or found.get("cacheOptions"),
        "observability": observability or found.get("observability"),
    }
    at = resources.index(found)
    kept = type(resources)(resources)
    kept[at] = type(found)(
        type=found.type, name=found.name, inputs=inputs, outputs=found.outputs
    )
    return kept


PRESENT = {"originId": "present", "domainName": "api.example.com"}
STRANGER = {"originId": "chat-send", "domainName": "elsewhere.example.com"}
FAULTS = {
    "another cache policy": (
        front.fronts_keep_no_answer,
        lambda: distribution(defaultCacheBehavior=behavior(cachePolicyId="658327ea")),
    ),
    "a second behaviour that caches": (
        front.fronts_keep_no_answer,
        lambda: distribution(
            orderedCacheBehaviors=[behavior(cachePolicyId="658327ea", pathPattern="/x")]
        ),
    ),
    "errors kept": (
        front.fronts_keep_no_answer,
        lambda: distribution(customErrorResponses=None),
    ),
    "Workers Cache": (
        front.fronts_keep_no_answer,
        lambda: script(cache={"enabled": True}),
    ),
    "the viewer's Host": (
        front.fronts_send_all_but_their_host,
        lambda: distribution(
            defaultCacheBehavior=behavior(originRequestPolicyId="216adef6")
        ),
    ),
    "plain text": (
        front.fronts_take_https_only,
        lambda: distribution(
            defaultCacheBehavior=behavior(viewerProtocolPolicy="allow-all")
        ),
    ),
    "no function": (
        front.fronts_block_other_paths,
        lambda: distribution(defaultCacheBehavior=behavior(functionAssociations=None)),
    ),
    "another function": (
        front.fronts_block_other_paths,
        lambda: broken(
            recorded(CLOUDFRONT)[0],
            "cloudfront/function:Function",
            "api-front-request",
            code="function handler(event) { return event.request; }",
        ),
    ),
    "a Worker that forwards everything": (
        front.fronts_block_other_paths,
        lambda: script(content="export default { fetch: (r) => fetch(r) }"),
    ),
    "an origin of somebody else": (
        front.fronts_ask_known_origins_only,
        lambda: distribution(origins=[STRANGER, PRESENT | {"domainName": "a.b"}]),
    ),
    "a distribution that asks itself": (
        front.fronts_ask_known_origins_only,
        lambda: distribution(
            origins=[
                {
                    "originId": "x",
                    "domainName": "chat-send-url.lambda-url.eu-central-1.on.aws",
                },
                PRESENT,
            ]
        ),
    ),
    "a Worker that asks somebody else": (
        front.fronts_ask_known_origins_only,
        lambda: script(origins={"chat-send": "https://elsewhere.example.com"}),
    ),
    "a Worker that asks itself": (
        front.fronts_ask_known_origins_only,
        lambda: script(presentOrigin="https://api.example.com"),
    ),
    "logs with headers": (
        front.fronts_log_no_tokens,
        lambda: script(observability={"enabled": True}),
    ),
    "a share without a second side": (
        front.fronts_share_out_only_with_a_second_side,
        lambda: script(presentOrigin=None),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_breaks_its_rule_and_no_other_of_the_front(fault):
    rule, resources = FAULTS[fault]
    names = {each.__name__ for each in front.RULES}

    found = {each.rule for each in check(resources())}
    assert found & names == {rule.__name__}


def test_every_rule_of_the_front_has_a_fault_that_breaks_it():
    assert {rule for rule, _ in FAULTS.values()} == set(front.RULES)


@pytest.mark.parametrize("mode", FRONTS)
@pytest.mark.parametrize("preview", [False, True], ids=["update", "preview"])
def test_the_pack_finds_nothing_in_a_front(mode, preview):
    assert ask(recorded(FRONTS[mode], preview=preview)[0]) == set()


@pytest.mark.parametrize("fault", FAULTS)
def test_the_pack_finds_a_fault_of_the_front_and_early_where_it_can(fault):
    rule, made = FAULTS[fault]
    resources = made()

    assert found_by_its_policy(rule, resources)
    if rule in OF_ONE:
        assert not needs_another(rule, resources)


@pytest.mark.parametrize("rule", front.RULES, ids=lambda rule: rule.__name__)
def test_a_rule_is_asked_early_unless_it_needs_another_resource(rule):
    needs = any(needs_another(rule, recorded(FRONTS[mode])[0]) for mode in FRONTS)

    assert (rule in OF_ONE) is not needs
