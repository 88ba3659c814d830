from dataclasses import replace

import pytest

from deploy.planning.deployer import (
    MANAGED_POLICY_CHARACTERS,
    Place,
    characters,
    document,
    token,
    wide,
)
from deploy.planning.rights_command import _too_long
from infra.catalog.cdn_modes import CDN_MODES
from infra.catalog.deployer_rights import CLOUDFLARE, RIGHTS, TASKS

WHERE = Place(stack="production", region="eu-central-1", account="123456789012")

PERMISSION_ONLY = {
    # Asked for beside an operation of another name (service authorization reference).
    "iam:PassRole",
    "lambda:InvokeFunction",
    "budgets:ViewBudget",
    "budgets:ModifyBudget",
    "cloudfront:CreateDistributionWithTags",
}


def statements(types):
    return document(types, WHERE)["Statement"]


def test_every_type_of_the_program_has_rights(stack):
    types = {each.type for each in stack[0]}

    assert {each for each in types if each.startswith("aws:")} <= set(RIGHTS)
    assert document(types, WHERE)["Version"] == "2012-10-17"


def test_every_action_is_one_that_aws_knows():
    import botocore.session

    session = botocore.session.get_session()
    rights = [right for each in RIGHTS.values() for right in each] + list(TASKS)
    named = {(right.service, action) for right in rights for action in right.actions}

    unknown = {
        f"{service}:{action}"
        for service, action in named
        if action not in _operations(session, service)
    }

    assert unknown <= PERMISSION_ONLY


def _operations(session, service):
    model = session.get_service_model(service)
    # CloudFront's operations end with the version of its API.
    return {name.rstrip("0123456789_") for name in model.operation_names}


def test_the_policy_fits_into_one_managed_policy(stack):
    policy = document({each.type for each in stack[0]}, WHERE)

    assert characters(policy) <= MANAGED_POLICY_CHARACTERS


def test_a_policy_that_is_too_long_is_told():
    place = replace(WHERE, stack="a-stack-with-a-long-name-of-its-own")
    policy = document(RIGHTS, place)

    (told,) = _too_long(policy)

    assert told.startswith(f"the policy has {characters(policy)} characters and a")
    assert _too_long(document(["aws:sqs/queue:Queue"], WHERE)) == []


def test_rights_are_limited_to_the_names_of_the_stack():
    (first, *_) = [
        each
        for each in statements(["aws:sqs/queue:Queue"])
        if "sqs:CreateQueue" in each["Action"]
    ]

    assert (
        first["Resource"]
        == "arn:aws:sqs:eu-central-1:123456789012:kiloscale-production-*"
    )


def test_whatever_is_not_limited_to_names_has_a_reason():
    for right in (right for each in RIGHTS.values() for right in each):
        limited = all("{stack}" in each or "{path}" in each for each in right.resources)
        assert limited or right.reason, right


def test_no_action_has_a_wildcard():
    rights = [right for each in RIGHTS.values() for right in each] + list(TASKS)

    assert not [right for right in rights if "*" in "".join(right.actions)]


def test_what_is_wide_is_told_with_its_reason():
    assert wide(["aws:acm/certificateValidation:CertificateValidation"]) == {
        "acm:DescribeCertificate": "its id is chosen by AWS",
        "sts:GetCallerIdentity": "it names no resource",
    }


def test_a_type_that_nobody_thought_about_is_an_error():
    with pytest.raises(
        LookupError, match="aws:eks/cluster:Cluster: no rights are known"
    ):
        document(["aws:eks/cluster:Cluster"], WHERE)
    with pytest.raises(LookupError, match="cloudflare:index/zone:Zone"):
        token(["cloudflare:index/zone:Zone"], "none")


def test_the_token_of_cloudflare_is_for_what_the_stack_has():
    rules = ["cloudflare:index/ruleset:Ruleset"]

    assert token(["aws:sqs/queue:Queue"], "cloudfront") == []
    assert token(rules, "none") == ["Zone: Cache Rules: Edit"]
    assert len(token(CLOUDFLARE, "worker-cache")) == 6


@pytest.mark.parametrize("mode", CDN_MODES)
def test_the_right_to_purge_is_asked_for_where_cdn_purge_needs_it(mode):
    has_it = "Zone: Cache Purge: Purge" in token([], mode)

    assert has_it == (mode in {"worker-cache-api", "cache-rules"})


def test_whoever_deploys_cloudfront_may_invalidate():
    (found,) = [
        each["Action"]
        for each in statements(["aws:cloudfront/distribution:Distribution"])
        if "cloudfront:CreateDistribution" in each["Action"]
    ]

    assert {"cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"} < set(found)
    assert not [a for a in _actions(["aws:sqs/queue:Queue"]) if "Invalidation" in a]


def _actions(types):
    return [action for each in statements(types) for action in each["Action"]]


def test_data_is_decrypted_on_behalf_of_lambda_and_ssm_alone():
    found = [
        each
        for each in statements(["aws:kms/key:Key"])
        if {"kms:Decrypt", "kms:Encrypt"} & set(each["Action"])
    ]

    assert [each["Condition"] for each in found] == [
        {
            "StringEquals": {
                "kms:ViaService": [
                    "lambda.eu-central-1.amazonaws.com",
                    "ssm.eu-central-1.amazonaws.com",
                ]
            }
        }
    ]
    assert "kms:ScheduleKeyDeletion" not in found[0]["Action"]
