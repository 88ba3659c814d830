"""What would be lost for good with a resource of each type that the program makes."""

import pytest

from deploy.engine.changes import DELETE, LOSSES, REPLACE, UPDATE, Change, losses

HELD = {
    "aws:kms/key:Key": "read again",
    "aws:sqs/queue:Queue": "messages",
    "aws:lambda/function:Function": "way back",
    "aws:lambda/functionUrl:FunctionUrl": "address changes",
    "aws:cloudfront/distribution:Distribution": "address changes",
    "aws:route53/record:Record": "name",
    "aws:sns/topicSubscription:TopicSubscription": "confirm again",
    "cloudflare:index/dnsRecord:DnsRecord": "name",
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": "host name",
}
NOTHING = (
    "aws:ssm/parameter:Parameter",
    "aws:acm/certificate:Certificate",
    "aws:lambda/alias:Alias",
    "cloudflare:index/workersScript:WorkersScript",
)


def change(kind, name):
    return Change(kind=kind, type=name, name="it", urn="urn")


@pytest.mark.parametrize("type_", HELD)
@pytest.mark.parametrize("kind", [REPLACE, DELETE])
def test_a_resource_that_holds_something_is_refused_with_what_it_is(type_, kind):
    (found,) = losses([change(kind, type_)], allowed=())

    assert HELD[type_] in found.loss
    assert found.line().endswith(f": {LOSSES[type_]}")
    assert losses([found], allowed=("it",)) == []


@pytest.mark.parametrize("type_", HELD)
def test_an_update_in_place_loses_nothing(type_):
    assert losses([change(UPDATE, type_)], allowed=()) == []


@pytest.mark.parametrize("type_", NOTHING)
def test_what_is_made_anew_as_it_was_is_not_refused(type_):
    assert losses([change(REPLACE, type_)], allowed=()) == []
