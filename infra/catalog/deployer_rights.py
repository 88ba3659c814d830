"""What whoever deploys must be allowed to do, for each type of resource.

The names are those of the calls that the AWS provider makes to create, read, change and
delete a resource (its sources, and the service authorization reference). They were not
tried on AWS: the engine names a right that is missing, with the resource.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Right:
    """Actions on some resources.

    Attributes:
        service: Prefix of the actions, e.g. ``sqs``.
        actions: Their names, without the prefix.
        resources: ARNs with ``{partition}``, ``{region}``, ``{account}``, ``{stack}``
            (the prefix of all physical names) and ``{path}`` (of parameters).
        reason: Why the resources are not named more exactly; empty where they are.
        via: Services of AWS on whose behalf alone a key may be used, e.g. ``lambda``;
            empty for no such limit.
    """

    service: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    reason: str = ""
    via: tuple[str, ...] = ()


def _arn(service: str, resource: str, *, is_global: bool = False) -> str:
    """Write an ARN of the account."""
    region = "" if is_global else "{region}"
    return f"arn:{{partition}}:{service}:{region}:{{account}}:{resource}"


def _right(
    service: str, actions: str, resources: tuple[str, ...], reason: str = ""
) -> Right:
    """Declare a right; the actions are separated by blanks."""
    names = tuple(actions.split())
    return Right(service=service, actions=names, resources=resources, reason=reason)


ANY = ("*",)
FUNCTION = (_arn("lambda", "function:{stack}-*"),)
KEY = (_arn("kms", "key/*"),)
LOG_GROUP = (
    _arn("logs", "log-group:/aws/lambda/{stack}-*"),
    _arn("logs", "log-group:/aws/lambda/{stack}-*:*"),
)
QUEUE = (_arn("sqs", "{stack}-*"),)
ROLE = (_arn("iam", "role/{stack}-*", is_global=True),)
TOPIC = (_arn("sns", "{stack}-*"),)

NO_NAME = "its id is chosen by AWS"
LISTS = "the action lists, and knows no single resource"

# iam:PassRole hands these roles to functions and schedules. The rights on the key from
# Encrypt on are those of whoever sets an encrypted environment (Lambda developer guide,
# "Securing environment variables"). The provider adds a statement of its own to a
# public URL, hence lambda:AddPermission.
RIGHTS: Mapping[str, tuple[Right, ...]] = {
    "aws:acm/certificate:Certificate": (
        _right(
            "acm",
            "RequestCertificate DescribeCertificate DeleteCertificate "
            "ListTagsForCertificate AddTagsToCertificate "
            "RemoveTagsFromCertificate",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:acm/certificateValidation:CertificateValidation": (
        _right("acm", "DescribeCertificate", ANY, NO_NAME),
    ),
    "aws:budgets/budget:Budget": (
        _right(
            "budgets",
            "ViewBudget ModifyBudget ListTagsForResource TagResource UntagResource",
            (_arn("budgets", "budget/{stack}-*", is_global=True),),
        ),
    ),
    "aws:cloudfront/cachePolicy:CachePolicy": (
        _right(
            "cloudfront",
            "CreateCachePolicy GetCachePolicy UpdateCachePolicy DeleteCachePolicy",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": (
        _right(
            "cloudfront",
            "CreateOriginRequestPolicy GetOriginRequestPolicy "
            "UpdateOriginRequestPolicy DeleteOriginRequestPolicy",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        _right(
            "cloudfront",
            "CreateResponseHeadersPolicy GetResponseHeadersPolicy "
            "UpdateResponseHeadersPolicy DeleteResponseHeadersPolicy",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:cloudfront/distribution:Distribution": (
        _right(
            "cloudfront",
            "CreateDistribution CreateDistributionWithTags GetDistribution "
            "GetDistributionConfig UpdateDistribution DeleteDistribution "
            "ListDistributions "
            "CreateInvalidation GetInvalidation "  # cdn.purge
            "ListTagsForResource TagResource UntagResource",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:cloudfront/function:Function": (
        _right(
            "cloudfront",
            "CreateFunction DescribeFunction GetFunction PublishFunction "
            "UpdateFunction DeleteFunction",
            (_arn("cloudfront", "function/{stack}-*", is_global=True),),
        ),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        _right(
            "cloudwatch",
            "PutDashboard GetDashboard DeleteDashboards",
            (_arn("cloudwatch", "dashboard/{stack}-*", is_global=True),),
        ),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        _right(
            "logs",
            "CreateLogGroup DeleteLogGroup PutRetentionPolicy "
            "DeleteRetentionPolicy ListTagsForResource TagResource UntagResource",
            LOG_GROUP,
        ),
        _right("logs", "DescribeLogGroups", ANY, LISTS),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        _right(
            "cloudwatch",
            "PutMetricAlarm DeleteAlarms ListTagsForResource TagResource UntagResource",
            (_arn("cloudwatch", "alarm:{stack}-*"),),
        ),
        _right("cloudwatch", "DescribeAlarms", ANY, LISTS),
    ),
    "aws:iam/role:Role": (
        _right(
            "iam",
            "CreateRole GetRole UpdateRole UpdateRoleDescription "
            "UpdateAssumeRolePolicy DeleteRole ListRolePolicies "
            "ListAttachedRolePolicies ListInstanceProfilesForRole ListRoleTags "
            "TagRole UntagRole PassRole",
            ROLE,
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        _right("iam", "PutRolePolicy GetRolePolicy DeleteRolePolicy", ROLE),
    ),
    "aws:kms/alias:Alias": (
        _right(
            "kms",
            "CreateAlias UpdateAlias DeleteAlias",
            (_arn("kms", "alias/{stack}-*"), *KEY),
            "a key has no name",
        ),
        _right("kms", "ListAliases", ANY, LISTS),
    ),
    "aws:kms/key:Key": (
        _right("kms", "CreateKey", ANY, "there is no key yet"),
        _right(
            "kms",
            "DescribeKey GetKeyPolicy GetKeyRotationStatus EnableKeyRotation "
            "DisableKeyRotation UpdateKeyDescription ListResourceTags TagResource "
            "UntagResource ScheduleKeyDeletion",
            KEY,
            "a key has no name",
        ),
        # Not the data of other keys: only what Lambda and SSM ask for in a call of the
        # deployer's (KMS developer guide, "kms:ViaService").
        Right(
            service="kms",
            actions=("Encrypt", "Decrypt", "GenerateDataKey", "CreateGrant"),
            resources=KEY,
            reason="a key has no name; Lambda and SSM alone may use it",
            via=("lambda", "ssm"),
        ),
    ),
    "aws:kms/keyPolicy:KeyPolicy": (
        _right("kms", "PutKeyPolicy GetKeyPolicy", KEY, "a key has no name"),
    ),
    "aws:lambda/alias:Alias": (
        _right("lambda", "CreateAlias GetAlias UpdateAlias DeleteAlias", FUNCTION),
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        _right(
            "lambda",
            "CreateEventSourceMapping GetEventSourceMapping "
            "UpdateEventSourceMapping DeleteEventSourceMapping ListTags "
            "TagResource UntagResource",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:lambda/function:Function": (
        _right(
            "lambda",
            "CreateFunction GetFunction GetFunctionConfiguration "
            "GetFunctionCodeSigningConfig GetFunctionConcurrency "
            "UpdateFunctionCode UpdateFunctionConfiguration PublishVersion "
            "ListVersionsByFunction PutFunctionConcurrency "
            "DeleteFunctionConcurrency DeleteFunction ListTags TagResource "
            "UntagResource",
            FUNCTION,
        ),
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        _right(
            "lambda",
            "PutFunctionEventInvokeConfig GetFunctionEventInvokeConfig "
            "UpdateFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig",
            FUNCTION,
        ),
    ),
    "aws:lambda/functionUrl:FunctionUrl": (
        _right(
            "lambda",
            "CreateFunctionUrlConfig GetFunctionUrlConfig UpdateFunctionUrlConfig "
            "DeleteFunctionUrlConfig AddPermission",
            FUNCTION,
        ),
    ),
    "aws:lambda/permission:Permission": (
        _right("lambda", "AddPermission GetPolicy RemovePermission", FUNCTION),
    ),
    "aws:route53/record:Record": (
        _right(
            "route53",
            "GetHostedZone ChangeResourceRecordSets ListResourceRecordSets",
            ("arn:{partition}:route53:::hostedzone/*",),
            "name the id of the zone instead of *",
        ),
        _right(
            "route53", "GetChange", ("arn:{partition}:route53:::change/*",), NO_NAME
        ),
    ),
    "aws:scheduler/schedule:Schedule": (
        _right(
            "scheduler",
            "CreateSchedule GetSchedule UpdateSchedule DeleteSchedule",
            (_arn("scheduler", "schedule/default/{stack}-*"),),
        ),
    ),
    "aws:sns/topic:Topic": (
        _right(
            "sns",
            "CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic "
            "ListTagsForResource TagResource UntagResource",
            TOPIC,
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        _right("sns", "GetTopicAttributes SetTopicAttributes", TOPIC),
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        _right(
            "sns",
            "Subscribe Unsubscribe GetSubscriptionAttributes "
            "SetSubscriptionAttributes ListSubscriptionsByTopic",
            TOPIC,
        ),
    ),
    "aws:sqs/queue:Queue": (
        _right(
            "sqs",
            "CreateQueue GetQueueUrl GetQueueAttributes SetQueueAttributes "
            "DeleteQueue ListQueueTags TagQueue UntagQueue",
            QUEUE,
        ),
    ),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": (
        _right("sqs", "GetQueueAttributes SetQueueAttributes", QUEUE),
    ),
    "aws:ssm/parameter:Parameter": (
        _right(
            "ssm",
            "PutParameter GetParameter GetParameters DeleteParameter "
            "ListTagsForResource AddTagsToResource RemoveTagsFromResource",
            (_arn("ssm", "parameter{path}/*"),),
        ),
        _right("ssm", "DescribeParameters", ANY, LISTS),
    ),
}

# In this order: to be known; when a schedule ran last (deploy, verify-crons); dead work
# and its replay; an empty batch for a function that no HTTP reaches (rollback).
TASKS: tuple[Right, ...] = (
    _right("sts", "GetCallerIdentity", ANY, "it names no resource"),
    _right("logs", "FilterLogEvents", LOG_GROUP),
    _right(
        "sqs", "SendMessage ReceiveMessage DeleteMessage ChangeMessageVisibility", QUEUE
    ),
    _right("lambda", "InvokeFunction", FUNCTION),
)
"""What the tasks need beside the resources."""

CLOUDFLARE: Mapping[str, tuple[str, ...]] = {
    "cloudflare:index/workersScript:WorkersScript": ("Account: Workers Scripts: Edit",),
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": (
        "Account: Workers Scripts: Edit",
        "Zone: Workers Routes: Edit",
        "Zone: DNS: Edit",
        "Zone: Zone: Read",
    ),
    "cloudflare:index/workersRoute:WorkersRoute": ("Zone: Workers Routes: Edit",),
    "cloudflare:index/dnsRecord:DnsRecord": ("Zone: DNS: Edit", "Zone: Zone: Read"),
    "cloudflare:index/ruleset:Ruleset": ("Zone: Cache Rules: Edit",),
    "cloudflare:index/tieredCache:TieredCache": ("Zone: Zone Settings: Edit",),
}
"""Permissions of the API token, as its page words them (Cloudflare docs, "API token
permissions"); limit them to the one account and the one zone."""

CACHE_PURGE = "Zone: Cache Purge: Purge"
"""What cdn.purge needs where `infra.catalog.cdn_modes.ZONE_PURGED` has the mode."""
