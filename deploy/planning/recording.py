"""Mocks that record what the program declares, with ARNs as AWS writes them.

No engine, no account and no credentials: what the program would ask of AWS is written
down. That shows every input, and nothing of what a provider would make of it.
"""

import importlib
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime.mocks import MockMonitor

from deploy.emulator import runner
from deploy.planning import edge_recording
from infra.archives import Archives
from infra.catalog.sizes import usable_clients
from infra.config import StackConfig
from infra.config_sizes import StackSize
from infra.config_values import Values
from infra.policies.resources import Registered, Resources

REGION, ACCOUNT = "eu-central-1", "123456789012"
"""Where recorded resources seem to be: AWS's own example account."""

STACK_TYPE = "pulumi:pulumi:Stack"
KEY_ID = "0c2c8f36-0000-4000-8000-00000000000a"


Key = tuple[str, str]
"""Type token and name: what tells a resource from all others of a program."""


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What one run of a program declared.

    Attributes:
        resources: Its resources, in the order in which they were registered.
        outputs: The stack's outputs; in a preview, without those that are unknown.
        parents: The resource above each one, both as type and name.
        warnings: What the program warned of, in order.
    """

    resources: Resources
    outputs: dict[str, Any] = field(repr=False)
    parents: Mapping[Key, Key] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class RecordingMocks(pulumi.runtime.Mocks):
    """Keeps every resource. In a preview nothing is known that AWS would choose."""

    def __init__(self, *, preview: bool = False) -> None:
        self.resources = Resources()
        self.preview = preview

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Refuse to look anything up: the program declares and does not ask."""
        raise LookupError(f"{args.token}: the program must not look anything up")

    def new_resource(
        self, args: pulumi.runtime.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        """Write one resource down."""
        chosen = {} if self.preview else _chosen(args.typ, args.name, args.inputs)
        outputs = {**args.inputs, **chosen}
        self.resources.append(
            Registered(
                type=args.typ, name=args.name, inputs=args.inputs, outputs=outputs
            )
        )
        return None if self.preview else f"{args.name}-id", outputs


class Warned(logging.Handler):
    """Keeps what a program warns of, which the engine would show.

    Attributes:
        warnings: The texts, in order.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning; an error ends the program, and says so itself."""
        if record.levelno == logging.WARNING:
            self.warnings.append(record.getMessage())

    def logger(self) -> logging.Logger:
        """Give a logger that tells nobody else."""
        # Not `getLogger`: two programs may run at once, each with its own.
        logger = logging.Logger("pulumi-program")
        logger.addHandler(self)
        return logger


class ParentsMonitor(MockMonitor):
    """Notes the parent of each resource, which mocks are not told."""

    def __init__(self, mocks: pulumi.runtime.Mocks) -> None:
        super().__init__(mocks)
        self.parents: dict[Key, Key] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - Pulumi's name
        """Register a resource."""
        if request.parent:
            *_, types, name = request.parent.split("::")
            parent = (types.rpartition("$")[2], name)
            if parent[0] != STACK_TYPE:
                self.parents[request.type, request.name] = parent
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def whole_program(
    archives: Archives | None = None,
) -> Mapping[str, pulumi.Output[Any]]:
    """Run the program as ``pulumi up`` does, without building the zips.

    Args:
        archives: The zips' names; by default those for the cloud.
    """
    # By name, because `import infra.__main__` reads as if it ran the program.
    program = importlib.import_module("infra.__main__")
    outputs: Mapping[str, pulumi.Output[Any]] = program.compose(
        StackConfig.load(), archives or Archives(folder="../dist")
    )
    return outputs


def record(
    config: Mapping[str, str],
    secrets: Collection[str],
    *,
    stack: str,
    program: Callable[[], Mapping[str, Any]] = whole_program,
    preview: bool = False,
) -> Recorded:
    """Run a program; give its resources and its outputs.

    Args:
        config: Configuration by full key, e.g. ``kiloscale:supabaseUrl``.
        secrets: Full keys whose values are secret.
        stack: Name of the stack.
        program: The program; by default the whole of it.
        preview: Whether what AWS would choose is unknown, as in a first preview.

    Raises:
        ConfigError: The configuration is incomplete or wrong.
    """
    mocks = RecordingMocks(preview=preview)
    monitor, warned = ParentsMonitor(mocks), Warned()
    outputs = runner.run(
        program,
        mocks,
        stack=stack,
        config=config,
        secrets=secrets,
        preview=preview,
        monitor=monitor,
        logger=warned.logger(),
    )
    mocks.resources.outputs = outputs
    mocks.resources.secrets = {config[key] for key in secrets if config.get(key)}
    size = StackSize.read(Values.from_pulumi(stack, config, secrets))
    mocks.resources.pooler_room = usable_clients(size.pooler_clients)
    return Recorded(
        resources=mocks.resources,
        outputs=outputs,
        parents=monitor.parents,
        warnings=tuple(warned.warnings),
    )


def _chosen(kind: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Give what AWS would choose."""
    named = inputs.get("name", name)
    here = f"{REGION}:{ACCOUNT}"
    paths = {
        "aws:cloudwatch/logGroup:LogGroup": f"logs:{here}:log-group:{named}",
        "aws:iam/role:Role": f"iam::{ACCOUNT}:role/{named}",
        "aws:kms/key:Key": f"kms:{here}:key/{KEY_ID}",
        "aws:lambda/function:Function": f"lambda:{here}:function:{named}",
        "aws:lambda/alias:Alias": (
            f"lambda:{here}:function:{inputs.get('functionName')}:{named}"
        ),
        "aws:sns/topic:Topic": f"sns:{here}:{named}",
        "aws:sqs/queue:Queue": f"sqs:{here}:{named}",
        "aws:ssm/parameter:Parameter": f"ssm:{here}:parameter{named}",
        "aws:scheduler/schedule:Schedule": (
            f"scheduler:{here}:schedule/default/{named}"
        ),
    }
    return {
        "arn": f"arn:aws:{paths[kind]}" if kind in paths else None,
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{named}",
        "functionUrl": f"https://{name}.lambda-url.{REGION}.on.aws/",
        "keyId": KEY_ID,
        "version": "7",
        **edge_recording.chosen(kind, named, inputs, ACCOUNT),
    }
