"""Recorded inputs as a CloudFormation template, for a linter that knows AWS."""

import json
from collections.abc import Mapping
from typing import Any

from deploy.planning import budgets
from deploy.planning import cloudformation_edge as edge
from infra.policies.resources import Registered, Resources

KINDS = {
    budgets.BUDGET: "AWS::Budgets::Budget",
    "aws:cloudwatch/dashboard:Dashboard": "AWS::CloudWatch::Dashboard",
    "aws:cloudwatch/logGroup:LogGroup": "AWS::Logs::LogGroup",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "AWS::CloudWatch::Alarm",
    "aws:iam/role:Role": "AWS::IAM::Role",
    "aws:iam/rolePolicy:RolePolicy": "AWS::IAM::RolePolicy",
    "aws:kms/alias:Alias": "AWS::KMS::Alias",
    "aws:kms/key:Key": "AWS::KMS::Key",
    "aws:lambda/alias:Alias": "AWS::Lambda::Alias",
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        "AWS::Lambda::EventSourceMapping"
    ),
    "aws:lambda/function:Function": "AWS::Lambda::Function",
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        "AWS::Lambda::EventInvokeConfig"
    ),
    "aws:lambda/functionUrl:FunctionUrl": "AWS::Lambda::Url",
    "aws:lambda/permission:Permission": "AWS::Lambda::Permission",
    "aws:scheduler/schedule:Schedule": "AWS::Scheduler::Schedule",
    "aws:sns/topic:Topic": "AWS::SNS::Topic",
    "aws:sns/topicPolicy:TopicPolicy": "AWS::SNS::TopicPolicy",
    "aws:sns/topicSubscription:TopicSubscription": "AWS::SNS::Subscription",
    "aws:sqs/queue:Queue": "AWS::SQS::Queue",
    "aws:ssm/parameter:Parameter": "AWS::SSM::Parameter",
}
# Each is a property of another resource there.
NOT_IN_CLOUDFORMATION = {
    "aws:kms/keyPolicy:KeyPolicy",
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
}

LINTED = {**KINDS, **edge.KINDS}
"""Types that a template can hold, those of the edge included."""

WITHOUT_SCHEMA = NOT_IN_CLOUDFORMATION | edge.NOT_IN_CLOUDFORMATION
"""Types that are known to have none of their own."""

NAMES = {
    "aws:cloudwatch/logGroup:LogGroup": {"name": "LogGroupName"},
    "aws:cloudwatch/metricAlarm:MetricAlarm": {
        "name": "AlarmName",
        "okActions": "OKActions",
    },
    "aws:iam/role:Role": {
        "name": "RoleName",
        "assumeRolePolicy": "AssumeRolePolicyDocument",
    },
    "aws:iam/rolePolicy:RolePolicy": {
        "name": "PolicyName",
        "policy": "PolicyDocument",
        "role": "RoleName",
    },
    "aws:kms/alias:Alias": {"name": "AliasName"},
    "aws:kms/key:Key": {"deletionWindowInDays": "PendingWindowInDays"},
    "aws:lambda/function:Function": {"name": "FunctionName"},
    "aws:lambda/functionUrl:FunctionUrl": {
        "authorizationType": "AuthType",
        "functionName": "TargetFunctionArn",
    },
    "aws:lambda/permission:Permission": {"function": "FunctionName"},
    "aws:sns/topic:Topic": {"name": "TopicName"},
    "aws:sns/topicPolicy:TopicPolicy": {"arn": "Topics", "policy": "PolicyDocument"},
    "aws:sns/topicSubscription:TopicSubscription": {"topic": "TopicArn"},
    "aws:sqs/queue:Queue": {
        "name": "QueueName",
        "messageRetentionSeconds": "MessageRetentionPeriod",
        "visibilityTimeoutSeconds": "VisibilityTimeout",
        "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    },
}
# CloudFormation knows no encrypted parameter: `_value` makes one plain.
LEFT_OUT = {
    "aws:ssm/parameter:Parameter": {"keyId"},
    "aws:lambda/function:Function": {"publish"},
    "aws:lambda/permission:Permission": {"qualifier", "statementId"},
}
DOCUMENTS = {"AssumeRolePolicyDocument", "PolicyDocument", "RedrivePolicy"}


def findings(resources: Resources, region: str) -> list[str]:
    """Lint resources with the schemas of AWS; give what is wrong with them."""
    from cfnlint.api import ManualArgs, lint

    found = lint(json.dumps(template(resources)), config=ManualArgs(regions=[region]))
    return [match.message for match in found]


def template(resources: Resources) -> dict[str, Any]:
    """Write all of the program's AWS resources as one template."""
    custom = [each for each in resources if each.type.startswith("aws:")]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "".join(part.title() for part in each.name.split("-")): {
                "Type": LINTED[each.type],
                "Properties": (
                    edge.properties(each)
                    if each.type in edge.KINDS
                    else _properties(each)
                ),
            }
            for each in custom
            if each.type not in WITHOUT_SCHEMA
        },
    }


def _properties(resource: Registered) -> dict[str, Any]:
    """Write a resource's inputs in CloudFormation's names."""
    if resource.type == budgets.BUDGET:
        return budgets.properties({key: resource.get(key) for key in resource.inputs})
    names = NAMES.get(resource.type, {})
    properties: dict[str, Any] = {}
    for key in resource.inputs:
        if key not in LEFT_OUT.get(resource.type, set()):
            name = names.get(key, key[0].upper() + key[1:])
            properties[name] = _value(name, resource.get(key))
    if "Code" in properties:
        properties["Code"] = {"S3Bucket": "zips", "S3Key": "service.zip"}
    return properties


def _value(name: str, value: Any) -> Any:
    """Write one value as CloudFormation has it."""
    if name in DOCUMENTS:
        return json.loads(value)
    if name == "Variables":
        return value
    if value == "SecureString":
        return "String"
    if name == "Topics":
        return [value]
    if name == "Dimensions":
        return [{"Name": key, "Value": item} for key, item in value.items()]
    if isinstance(value, Mapping):
        capital = {key[0].upper() + key[1:]: item for key, item in value.items()}
        return {key: _value(key, item) for key, item in capital.items()}
    if isinstance(value, list):
        return [_value("", item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
