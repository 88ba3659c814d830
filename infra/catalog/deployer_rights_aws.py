"""What each type of AWS takes to create, read, change and delete it.

The names are those of the calls that the AWS provider makes (its sources, and the
service authorization reference). They were not tried on AWS: the engine names a right
that is missing, with the resource.
"""

from collections.abc import Mapping

from infra.catalog.deployer_rights import (
    ANY,
    FUNCTION,
    LOG_GROUP,
    QUEUE,
    Right,
    arn,
    right,
)

KEY = (arn("kms", "key/*"),)
ROLE = (arn("iam", "role/{stack}-*", is_global=True),)
TOPIC = (arn("sns", "{stack}-*"),)

NO_NAME = "its id is chosen by AWS"
LISTS = "the action lists, and knows no single resource"

# iam:PassRole hands these roles to functions and schedules. The rights on the key from
# Encrypt on are those of whoever sets an encrypted environment (Lambda developer guide,
# "Securing environment variables"). The provider adds a statement of its own to a
# public URL, hence lambda:AddPermission.
RIGHTS: Mapping[str, tuple[Right, ...]] = {
    "aws:acm/certificate:Certificate": (
        right(
            "acm",
            "RequestCertificate DescribeCertificate DeleteCertificate "
            "ListTagsForCertificate AddTagsToCertificate "
            "RemoveTagsFromCertificate",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:acm/certificateValidation:CertificateValidation": (
        right("acm", "DescribeCertificate", ANY, NO_NAME),
    ),
    "aws:budgets/budget:Budget": (
        right(
            "budgets",
            "ViewBudget ModifyBudget ListTagsForResource TagResource UntagResource",
            (arn("budgets", "budget/{stack}-*", is_global=True),),
        ),
    ),
    "aws:cloudfront/cachePolicy:CachePolicy": (
        right(
            "cloudfront",
            "CreateCachePolicy GetCachePolicy UpdateCachePolicy DeleteCachePolicy",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": (
        right(
            "cloudfront",
            "CreateOriginRequestPolicy GetOriginRequestPolicy "
            "UpdateOriginRequestPolicy DeleteOriginRequestPolicy",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": (
        right(
            "cloudfront",
            "CreateResponseHeadersPolicy GetResponseHeadersPolicy "
            "UpdateResponseHeadersPolicy DeleteResponseHeadersPolicy",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:cloudfront/distribution:Distribution": (
        right(
            "cloudfront",
            "CreateDistribution CreateDistributionWithTags GetDistribution "
            "GetDistributionConfig UpdateDistribution DeleteDistribution "
            "ListTagsForResource TagResource UntagResource",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:cloudfront/function:Function": (
        right(
            "cloudfront",
            "CreateFunction DescribeFunction GetFunction PublishFunction "
            "UpdateFunction DeleteFunction",
            (arn("cloudfront", "function/{stack}-*", is_global=True),),
        ),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        right(
            "cloudwatch",
            "PutDashboard GetDashboard DeleteDashboards",
            (arn("cloudwatch", "dashboard/{stack}-*", is_global=True),),
        ),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        right(
            "logs",
            "CreateLogGroup DeleteLogGroup PutRetentionPolicy "
            "DeleteRetentionPolicy ListTagsForResource TagResource UntagResource",
            LOG_GROUP,
        ),
        right("logs", "DescribeLogGroups", ANY, LISTS),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        right(
            "cloudwatch",
            "PutMetricAlarm DescribeAlarms DeleteAlarms ListTagsForResource "
            "TagResource UntagResource",
            (arn("cloudwatch", "alarm:{stack}-*"),),
        ),
    ),
    "aws:iam/role:Role": (
        right(
            "iam",
            "CreateRole GetRole UpdateRole UpdateRoleDescription "
            "UpdateAssumeRolePolicy DeleteRole ListRolePolicies "
            "ListAttachedRolePolicies ListInstanceProfilesForRole ListRoleTags "
            "TagRole UntagRole PassRole",
            ROLE,
        ),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        right("iam", "PutRolePolicy GetRolePolicy DeleteRolePolicy", ROLE),
    ),
    "aws:kms/alias:Alias": (
        right(
            "kms",
            "CreateAlias UpdateAlias DeleteAlias",
            (arn("kms", "alias/{stack}-*"), *KEY),
            "a key has no name",
        ),
        right("kms", "ListAliases", ANY, LISTS),
    ),
    "aws:kms/key:Key": (
        right("kms", "CreateKey", ANY, "there is no key yet"),
        right(
            "kms",
            "DescribeKey GetKeyPolicy GetKeyRotationStatus EnableKeyRotation "
            "DisableKeyRotation UpdateKeyDescription ListResourceTags TagResource "
            "UntagResource ScheduleKeyDeletion Encrypt Decrypt GenerateDataKey "
            "CreateGrant",
            KEY,
            "a key has no name",
        ),
    ),
    "aws:kms/keyPolicy:KeyPolicy": (
        right("kms", "PutKeyPolicy GetKeyPolicy", KEY, "a key has no name"),
    ),
    "aws:lambda/alias:Alias": (
        right("lambda", "CreateAlias GetAlias UpdateAlias DeleteAlias", FUNCTION),
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        right(
            "lambda",
            "CreateEventSourceMapping GetEventSourceMapping "
            "UpdateEventSourceMapping DeleteEventSourceMapping ListTags "
            "TagResource UntagResource",
            ANY,
            NO_NAME,
        ),
    ),
    "aws:lambda/function:Function": (
        right(
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
        right(
            "lambda",
            "PutFunctionEventInvokeConfig GetFunctionEventInvokeConfig "
            "UpdateFunctionEventInvokeConfig DeleteFunctionEventInvokeConfig",
            FUNCTION,
        ),
    ),
    "aws:lambda/functionUrl:FunctionUrl": (
        right(
            "lambda",
            "CreateFunctionUrlConfig GetFunctionUrlConfig UpdateFunctionUrlConfig "
            "DeleteFunctionUrlConfig AddPermission",
            FUNCTION,
        ),
    ),
    "aws:lambda/permission:Permission": (
        right("lambda", "AddPermission GetPolicy RemovePermission", FUNCTION),
    ),
    "aws:route53/record:Record": (
        right(
            "route53",
            "GetHostedZone ChangeResourceRecordSets ListResourceRecordSets",
            ("arn:{partition}:route53:::hostedzone/*",),
            "name the id of the zone instead of *",
        ),
        right("route53", "GetChange", ("arn:{partition}:route53:::change/*",), NO_NAME),
    ),
    "aws:scheduler/schedule:Schedule": (
        right(
            "scheduler",
            "CreateSchedule GetSchedule UpdateSchedule DeleteSchedule",
            (arn("scheduler", "schedule/default/{stack}-*"),),
        ),
    ),
    "aws:sns/topic:Topic": (
        right(
            "sns",
            "CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic "
            "ListTagsForResource TagResource UntagResource",
            TOPIC,
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": (
        right("sns", "GetTopicAttributes SetTopicAttributes", TOPIC),
    ),
    "aws:sns/topicSubscription:TopicSubscription": (
        right(
            "sns",
            "Subscribe Unsubscribe GetSubscriptionAttributes "
            "SetSubscriptionAttributes ListSubscriptionsByTopic",
            TOPIC,
        ),
    ),
    "aws:sqs/queue:Queue": (
        right(
            "sqs",
            "CreateQueue GetQueueUrl GetQueueAttributes SetQueueAttributes "
            "DeleteQueue ListQueueTags TagQueue UntagQueue",
            QUEUE,
        ),
    ),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": (
        right("sqs", "GetQueueAttributes SetQueueAttributes", QUEUE),
    ),
    "aws:ssm/parameter:Parameter": (
        right(
            "ssm",
            "PutParameter GetParameter GetParameters DeleteParameter "
            "ListTagsForResource AddTagsToResource RemoveTagsFromResource",
            (arn("ssm", "parameter{path}/*"),),
        ),
        right("ssm", "DescribeParameters", ANY, LISTS),
    ),
}
