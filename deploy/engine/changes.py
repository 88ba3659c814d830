"""What a preview says that an update will do, and what that would cost for good."""

import textwrap
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

WIDTH = 98
"""Columns of a line that a person reads."""

CREATE, UPDATE, REPLACE, DELETE = "create", "update", "replace", "delete"
KINDS = (CREATE, UPDATE, REPLACE, DELETE)

PAST = {CREATE: "created", UPDATE: "updated", REPLACE: "replaced", DELETE: "deleted"}

KIND_OF = {
    "create": CREATE,
    "import": CREATE,
    "update": UPDATE,
    "replace": REPLACE,
    "create-replacement": REPLACE,
    "delete-replaced": REPLACE,
    "import-replacement": REPLACE,
    "delete": DELETE,
}
"""Kinds by the engine's operation; the others change nothing at the provider
(``pulumi.automation.events.OpType``)."""

LOSSES = {
    "aws:sqs/queue:Queue": "the messages in it are lost",
    "aws:kms/key:Key": "what it encrypted can never be read again",
    "aws:cloudwatch/logGroup:LogGroup": "its logs are lost",
    "aws:lambda/functionUrl:FunctionUrl": "its address changes, apps that call it fail",
    "aws:apigatewayv2/api:Api": "its address changes, apps that call it fail",
    "aws:lambda/function:Function": "its versions go, and with them the way back",
    "aws:cloudfront/distribution:Distribution": "its address changes",
    "aws:sns/topic:Topic": "whoever is told of alarms must confirm again",
    "aws:sns/topicSubscription:TopicSubscription": (
        "whoever it tells of alarms must confirm again"
    ),
    "aws:route53/record:Record": "what its name leads to, or proves, ends meanwhile",
    "cloudflare:index/dnsRecord:DnsRecord": (
        "what its name leads to, or proves, ends meanwhile"
    ),
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": (
        "its host name answers nobody until it is made again"
    ),
    "aws:s3/bucket:Bucket": "the objects in it are lost",
    "aws:dynamodb/table:Table": "its rows are lost",
    "cloudflare:index/zone:Zone": "its records and its name servers change",
}
"""What is lost with a resource of a type. Whatever is not here holds nothing: a
parameter's value comes from the configuration, a new certificate is there before the
old one goes, and rights, rules and alarms are made anew as they were."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What happens to one resource.

    Attributes:
        kind: One of `KINDS`.
        type: Type token, e.g. ``aws:sqs/queue:Queue``.
        name: Its name in the program.
        urn: Its URN.
        why: Properties that differ; of a replacement, those that force it.
    """

    kind: str
    type: str
    name: str
    urn: str
    why: tuple[str, ...] = ()

    @property
    def loss(self) -> str | None:
        """What is lost for good, or ``None``."""
        return LOSSES.get(self.type) if self.kind in (REPLACE, DELETE) else None

    def line(self) -> str:
        """Say it in one line."""
        why = f" ({', '.join(self.why)})" if self.why else ""
        lost = f": {self.loss}" if self.loss else ""
        return f"{self.kind:<8}{self.type} {self.name}{why}{lost}"

    def as_json(self) -> dict[str, object]:
        """Give it in the form that evidence and plan files hold."""
        shown: dict[str, object] = {
            "kind": self.kind,
            "type": self.type,
            "name": self.name,
            "why": list(self.why),
        }
        return shown | {"loss": self.loss} if self.loss else shown


def losses(changes: Iterable[Change], allowed: Collection[str]) -> list[Change]:
    """List the changes that lose something and that nobody has allowed by name."""
    return [each for each in changes if each.loss and each.name not in allowed]


def counted(changes: Iterable[Change]) -> str:
    """Count changes by kind, e.g. ``2 create, 1 replace``."""
    counts = Counter(each.kind for each in changes)
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])


def listed(changes: Sequence[Change]) -> list[str]:
    """List changes for a person who is to say yes: what loses something comes first."""
    order = (DELETE, REPLACE, UPDATE, CREATE)
    ordered = sorted(
        changes, key=lambda each: (not each.loss, order.index(each.kind), each.type)
    )
    return [
        line
        for each in ordered
        for line in textwrap.wrap(
            f"{'!' if each.loss else ' '} {each.line()}",
            WIDTH,
            initial_indent="  ",
            subsequent_indent=" " * 12,
            drop_whitespace=False,
        )
    ]
