"""The matrix of rights: each role of the program tries each action, for real.

What a role may do follows here from what the catalog declares of services, queues and
schedules, and not from the policies that the program wrote. The emulator decides with
IAM enforced, on credentials of the very role.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.catalog.queues import QUEUES
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES

NOT_PROVED = {
    "consumers_may_poll": "a mapping needs rights of its function's role: the emulator"
    " polls without",
    "public_urls_have_both_permissions": "a public function URL needs both permissions:"
    " the emulator answers without",
    "any_resource_has_a_reason": "gauges go into the stack's own namespace only: the"
    " emulator does not know cloudwatch:namespace",
    "roles_are_assumed_by_their_user": "Lambda and Scheduler may assume their roles:"
    " the emulator does not ask",
    "functions_may_read_their_environment": "a function needs kms:Decrypt to start: the"
    " emulator starts it without",
}
"""What the emulator (ministack 1.5.33) cannot check, by the rule that does."""

LOCAL, ACCOUNT = "local", "000000000000"
WORK = tuple(queue.name for queue in QUEUES)
DEAD = tuple(f"{name}-dead-letters" for name in (*WORK, *(s.name for s in SCHEDULES)))
FUNCTIONS = tuple(service.name for service in SERVICES)
ROLES = (*FUNCTIONS, *(schedule.name for schedule in SCHEDULES))


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One action on one resource.

    Attributes:
        action: IAM action, e.g. ``sqs:SendMessage``.
        on: Short name of the resource; empty for an action on none.
        api: Name of the API in boto3.
        operation: Its operation in boto3.
        arguments: What it is called with.
    """

    action: str
    on: str
    api: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What became of an attempt by a role.

    Attributes:
        role: Short name of the role.
        attempt: What was tried.
        may: Whether the catalog declares it.
        result: ``allowed``, ``refused``, or the error that is neither.
    """

    role: str
    attempt: Attempt
    may: bool
    result: str

    @property
    def is_right(self) -> bool:
        """Whether the emulator decided as the catalog declares."""
        return self.result == ("allowed" if self.may else "refused")


def declared(role: str, attempt: Attempt) -> bool:
    """Whether the catalog lets a role do something."""
    return (attempt.action, attempt.on) in declarations(role)


def declarations(role: str) -> set[tuple[str, str]]:
    """Give all actions that the catalog's declarations come to."""
    if role not in FUNCTIONS:
        schedule = next(each for each in SCHEDULES if each.name == role)
        service = next(each for each in SERVICES if each.folder == schedule.service)
        return {
            ("lambda:InvokeFunction", service.name),
            ("sqs:SendMessage", f"{role}-dead-letters"),
        }
    service = next(each for each in SERVICES if each.name == role)
    found = {
        ("logs:CreateLogStream", role),
        ("logs:PutLogEvents", role),
        ("kms:Decrypt", "own key"),
    }
    names = {queue.topic: queue.name for queue in QUEUES}
    found |= {("sqs:SendMessage", names[topic]) for topic in service.sends_to}
    for queue in QUEUES:
        if queue.consumer == service.folder:
            polls = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
            found |= {(f"sqs:{each}", queue.name) for each in polls}
    for schedule in SCHEDULES:
        if schedule.service == service.folder:
            found.add(("sqs:SendMessage", f"{schedule.name}-dead-letters"))
    if service.reads_metrics:
        found |= {("cloudwatch:GetMetricData", ""), ("cloudwatch:PutMetricData", "")}
        # Schedules' dead letters are not asked for: their alarms watch them.
        watched = (*WORK, *(f"{name}-dead-letters" for name in WORK))
        found |= {("sqs:GetQueueAttributes", name) for name in watched}
    return found


def table(cells: Iterable[Cell]) -> Iterator[str]:
    """Write the matrix in Markdown: what each role may do, by action and resource."""
    several = list(cells)
    yield f"| action | on | {' | '.join(ROLES)} |"
    yield "|---" * (2 + len(ROLES)) + "|"
    rows: dict[tuple[str, str], dict[str, Cell]] = {}
    for cell in several:
        key = cell.attempt.action, cell.attempt.on
        rows.setdefault(key, {})[cell.role] = cell
    for (action, on), by_role in rows.items():
        signs = " | ".join(_sign(by_role[role]) for role in ROLES)
        yield f"| {action} | {on} | {signs} |"


def _sign(cell: Cell) -> str:
    """Write a cell: yes, a dot for refused, or what is wrong."""
    if not cell.is_right:
        return f"**{cell.result}**"
    return "yes" if cell.may else "."
