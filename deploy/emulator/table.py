"""The kinds of resources that the emulator can be provisioned with, by type token."""

from deploy.emulator.alarms import MetricAlarm
from deploy.emulator.budgets import Budget
from deploy.emulator.dashboards import Dashboard
from deploy.emulator.function_urls import FunctionUrl, Permission
from deploy.emulator.functions import Function, FunctionAlias
from deploy.emulator.keys import Key, KeyAlias, KeyPolicy
from deploy.emulator.kinds import Kind
from deploy.emulator.logs import LogGroup
from deploy.emulator.parameters import Parameter
from deploy.emulator.queues import Queue, RedriveAllowPolicy
from deploy.emulator.roles import Role, RolePolicy
from deploy.emulator.schedules import Schedule
from deploy.emulator.topics import Topic, TopicPolicy, TopicSubscription
from deploy.emulator.triggers import EventSourceMapping, FunctionEventInvokeConfig
from deploy.errors import DeployError

KINDS: dict[str, Kind] = {
    "aws:budgets/budget:Budget": Budget(),
    "aws:cloudwatch/dashboard:Dashboard": Dashboard(),
    "aws:cloudwatch/logGroup:LogGroup": LogGroup(),
    "aws:cloudwatch/metricAlarm:MetricAlarm": MetricAlarm(),
    "aws:iam/role:Role": Role(),
    "aws:iam/rolePolicy:RolePolicy": RolePolicy(),
    "aws:kms/alias:Alias": KeyAlias(),
    "aws:kms/key:Key": Key(),
    "aws:kms/keyPolicy:KeyPolicy": KeyPolicy(),
    "aws:lambda/alias:Alias": FunctionAlias(),
    "aws:lambda/eventSourceMapping:EventSourceMapping": EventSourceMapping(),
    "aws:lambda/function:Function": Function(),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        FunctionEventInvokeConfig()
    ),
    "aws:lambda/functionUrl:FunctionUrl": FunctionUrl(),
    "aws:lambda/permission:Permission": Permission(),
    "aws:scheduler/schedule:Schedule": Schedule(),
    "aws:sns/topic:Topic": Topic(),
    "aws:sns/topicPolicy:TopicPolicy": TopicPolicy(),
    "aws:sns/topicSubscription:TopicSubscription": TopicSubscription(),
    "aws:sqs/queue:Queue": Queue(),
    "aws:ssm/parameter:Parameter": Parameter(),
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": RedriveAllowPolicy(),
}


def kind_of(type_token: str, name: str) -> Kind:
    """Give the kind of a resource.

    Raises:
        DeployError: The program has a type that nothing here can make.
    """
    kind = KINDS.get(type_token)
    if kind is None:
        raise DeployError(
            f"{type_token} ({name}): the local stack cannot make this type of"
            " resource; add its kind to deploy/emulator/table.py. Known are"
            f" {', '.join(sorted(KINDS))}"
        )
    return kind
