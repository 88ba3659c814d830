"""Where dead work lies, and its queues by name."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.account import explained
from deploy.crons.state import Connection
from deploy.deployment import Deployment
from infra.catalog.queues import Queue
from infra.naming import physical_name

if TYPE_CHECKING:
    from deploy.queues.letters import Box


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the work is.

    Attributes:
        deployment: The stack.
        connection: To its database, in autocommit mode.
        sqs: Client of SQS.
    """

    deployment: Deployment
    connection: Connection
    sqs: Any = field(repr=False)


def dead_letters(place: Place, queue: Queue) -> "Box":
    """Find the dead-letter queue of a queue.

    Raises:
        NotThereError: It does not exist, or nobody answers.
        AuthError: The credentials are missing or refused.
    """
    from deploy.queues.letters import WAIT_S, Box

    wait_s = 0 if place.deployment.is_local else WAIT_S
    return Box(place.sqs, _url(place, f"{queue.name}-dead-letters"), wait_s=wait_s)


def work_queue(place: Place, queue: Queue) -> str:
    """Give the URL of a queue; see `dead_letters`."""
    return _url(place, queue.name)


def _url(place: Place, name: str) -> str:
    """Give the URL of a queue by its name in the program."""
    full_name = physical_name(place.deployment.stack, name)
    with explained(place.deployment, f"queue {name}"):
        return str(place.sqs.get_queue_url(QueueName=full_name)["QueueUrl"])
