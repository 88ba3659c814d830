"""One deployable Python service on Lambda."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from infra.components.public_url import PublicUrl, PublicUrlArgs
from infra.components.service_role import ServiceRole, ServiceRoleArgs
from infra.grants import Grant

ALIAS = "live"
"""Everything points at this alias, so that moving it is a release or a rollback."""


@dataclass(frozen=True, kw_only=True)
class PythonServiceArgs:
    """Inputs of `PythonService`.

    Attributes:
        physical_name: Name of the function and of its role.
        archive: Its deterministic zip.
        handler: ``<module>.<function>`` within the zip.
        runtime: Lambda runtime, e.g. ``python3.13``.
        architecture: ``arm64`` or ``x86_64``.
        memory_mib: Memory of one invocation, in MiB.
        timeout_s: Longest run of one invocation, in seconds.
        environment: Its environment variables.
        key_arn: KMS key that encrypts them.
        grants: What its role may do besides writing its log and using the key.
        log_retention_days: How long its log is kept, in days.
        reserved_concurrency: Simultaneous invocations set aside for it, and its most;
            ``None`` takes what the account has.
        is_public: Whether it has a function URL.
    """

    physical_name: str
    archive: pulumi.FileArchive
    handler: str
    runtime: str
    architecture: str
    memory_mib: int
    timeout_s: int
    environment: Mapping[str, pulumi.Input[str]]
    key_arn: pulumi.Input[str]
    grants: Sequence[Grant]
    log_retention_days: int
    reserved_concurrency: int | None = None
    is_public: bool = False


class PythonService(pulumi.ComponentResource):
    """A published function behind an alias, with its role and its log.

    The alias comes with `release`, when every function of its set is published.

    Attributes:
        arn: ARN of the alias, for triggers; set by `release`.
        function: Name of the function.
        published: The function, whose version the alias is to point at.
        alias: Name of the alias; set by `release`.
        role: Name of its role, for rights that come with a trigger.
        url: Its function URL, or ``None``; set by `release`.
    """

    arn: pulumi.Output[str]
    function: pulumi.Output[str]
    published: aws.lambda_.Function
    alias: pulumi.Output[str]
    role: pulumi.Output[str]
    url: pulumi.Output[str] | None

    def __init__(
        self,
        name: str,
        args: PythonServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:PythonService", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)

        logs = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{args.physical_name}",
            retention_in_days=args.log_retention_days,
            opts=child,
        )
        role_args = ServiceRoleArgs(
            physical_name=args.physical_name,
            principal="lambda.amazonaws.com",
            grants=[*_own_grants(logs.arn, args.key_arn), *args.grants],
        )
        role = ServiceRole(f"{name}-role", role_args, child)
        self.published = aws.lambda_.Function(
            name,
            name=args.physical_name,
            role=role.arn,
            runtime=args.runtime,
            architectures=[args.architecture],
            handler=args.handler,
            code=args.archive,
            publish=True,
            memory_size=args.memory_mib,
            timeout=args.timeout_s,
            reserved_concurrent_executions=args.reserved_concurrency,
            environment={"variables": dict(args.environment)},
            kms_key_arn=args.key_arn,
            logging_config={
                "log_format": "JSON",
                "log_group": logs.name,
                "application_log_level": "INFO",
                "system_log_level": "WARN",
            },
            # A first invocation before its role may log would leave no trace.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[role]),
        )
        self.function, self.role = self.published.name, role.name
        self._name, self._is_public = name, args.is_public

    def release(self, after: Sequence[pulumi.Resource]) -> None:
        """Point the alias at what is published, once other resources are there.

        Args:
            after: The functions of the whole set. If one cannot be published, this
                alias stays where it is.
        """
        child = pulumi.ResourceOptions(parent=self)
        alias = aws.lambda_.Alias(
            f"{self._name}-{ALIAS}",
            name=ALIAS,
            function_name=self.function,
            function_version=self.published.version,
            opts=pulumi.ResourceOptions(parent=self, depends_on=after),
        )
        self.arn, self.alias = alias.arn, alias.name
        self.url = None
        if self._is_public:
            url = PublicUrlArgs(function=self.function, alias=self.alias)
            self.url = PublicUrl(f"{self._name}-url", url, child).url
        self.register_outputs({"arn": self.arn, "url": self.url})


def release_together(services: Sequence[PythonService]) -> None:
    """Release services as a set: no alias moves before each function is published.

    Services call each other through queues and rows, so that a new one beside an old
    one is a mixture that nobody has tested.
    """
    functions = [service.published for service in services]
    for service in services:
        service.release(functions)


def _own_grants(
    log_arn: pulumi.Input[str], key_arn: pulumi.Input[str]
) -> tuple[Grant, ...]:
    """Give what every service may do: write its own log and read its environment."""
    return (
        # Not logs:CreateLogGroup: Lambda would make a deleted group anew, for ever.
        Grant(
            actions=("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=(pulumi.Output.concat(log_arn, ":*"),),
        ),
        Grant(actions=("kms:Decrypt",), resources=(key_arn,)),
    )
