"""Clients of SQS, and errors that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.crons.state import Connection
from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError, UsageError
from deploy.paths import REPOSITORY
from infra.catalog.queues import Queue
from infra.naming import physical_name

if TYPE_CHECKING:
    from deploy.queues.letters import Box

REGION, PROFILE = "aws:region", "aws:profile"

CREDENTIAL_CODES = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "ExpiredTokenException",
        "AccessDenied",
        "AccessDeniedException",
        "AWS.SimpleQueueService.AccessDenied",
    }
)
"""Codes of what only other credentials mend (AWS, "Common error types")."""

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
"""A long poll takes a second; whoever waits longer than this should know."""

LOGIN = "aws sso login, or export AWS_PROFILE=..., then try again"


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


class QueueMissingError(DeployError):
    """A queue does not exist, or nobody answers where it should be."""


def client(deployment: Deployment) -> Any:
    """Make a client of SQS.

    On a cloud stack with the credentials of the AWS CLI, in the region that the stack's
    file names.

    Raises:
        UsageError: The stack's file names no region, or was never started.
    """
    if deployment.is_local:
        from deploy.emulator.clients import client as of_emulator

        return of_emulator(deployment.require_local(), "sqs")
    import boto3

    from deploy.emulator.configuration import of_file

    name = f"Pulumi.{deployment.stack}.yaml"
    values = of_file(REPOSITORY / name)
    if not values.get(REGION):
        raise UsageError(
            f"{name}: {REGION}: is missing; where the queues of stack"
            f" {deployment.stack} are is unknown, nothing was changed",
            remedy=f"pulumi config set {REGION} eu-central-1",
        )
    with explained(deployment):
        session = boto3.Session(
            region_name=values[REGION], profile_name=values.get(PROFILE)
        )
        from botocore.config import Config

        config = Config(connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S)
        sqs: Any = session.client("sqs", config=config)
        return sqs


def dead_letters(place: Place, queue: Queue) -> "Box":
    """Find the dead-letter queue of a queue.

    Raises:
        QueueMissingError: It does not exist, or nobody answers.
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
    with explained(place.deployment):
        return str(place.sqs.get_queue_url(QueueName=full_name)["QueueUrl"])


@contextmanager
def explained(deployment: Deployment) -> Iterator[None]:
    """Turn what AWS refuses into errors that say what to do.

    Raises:
        QueueMissingError: There is no such queue, or nobody answers.
        AuthError: The credentials are missing or refused.
        DeployError: Anything else that SQS refuses.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        TokenRetrievalError,
    )
    from botocore.exceptions import ConnectionError as NoConnectionError

    stack = deployment.stack
    start = "./bootstrap local.start" if deployment.is_local else None
    try:
        yield
    except (
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        TokenRetrievalError,
    ) as error:
        raise AuthError(
            f"no AWS credentials for the queues of stack {stack}: {error}",
            remedy=LOGIN,
        ) from error
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        if code in CREDENTIAL_CODES:
            raise AuthError(
                f"AWS refuses to show the queues of stack {stack}: {code}",
                remedy=LOGIN,
            ) from error
        if "NonExistentQueue" in code or "QueueDoesNotExist" in code:
            raise QueueMissingError(
                f"stack {stack} has no such queue: it was never deployed",
                remedy="./bootstrap deploy",
            ) from error
        raise DeployError(f"SQS of stack {stack} refuses: {code}") from error
    except (HTTPClientError, NoConnectionError) as error:
        raise QueueMissingError(
            f"SQS of stack {stack} does not answer: {type(error).__name__}",
            remedy=start,
        ) from error
    except BotoCoreError as error:
        raise DeployError(f"SQS of stack {stack}: {type(error).__name__}") from error
