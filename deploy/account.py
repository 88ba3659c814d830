"""Clients of a stack's AWS account, and refusals told in words that say what to do.

On ``local`` the account is the emulator. On a cloud stack it is reached with the
credentials of the AWS CLI, in the region that the stack's file names.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError, UsageError

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
        "AuthFailure",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidSignatureException",
        "KMSAccessDeniedException",
        "MissingAuthenticationToken",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "UnauthorizedOperation",
    }
)
"""Codes of what only other credentials mend (AWS, "Common error types")."""

CLOCK = re.compile(r"Signature (expired|not yet current)|RequestTimeTooSkewed")
"""What AWS says where the clock is minutes away from its own (IAM user guide, signing
of requests, "Troubleshoot"): other credentials would not mend that."""

SET_CLOCK = "timedatectl set-ntp true, then try again"

MISSING_CODES = ("NonExistentQueue", "QueueDoesNotExist", "NotFound", "NoSuchEntity")
"""What the services' codes for something that does not exist have in common."""

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
"""A long poll takes a second; whoever waits longer than this should know."""

LOGIN = "aws sso login, or export AWS_PROFILE=..., then try again"


class NotThereError(DeployError):
    """Something does not exist, or nobody answers where it should be."""


def client(deployment: Deployment, service: str) -> Any:
    """Make a client of one of the account's services.

    Args:
        deployment: The stack.
        service: Name in boto3, e.g. ``lambda``.

    Raises:
        UsageError: The stack's file names no region, or was never started.
        AuthError: There are no credentials.
    """
    if deployment.is_local:
        from deploy.emulator.clients import client as of_emulator

        return of_emulator(deployment.require_local(), service)
    # Making one parses the description of its API, for half a second.
    if service not in deployment.clients:
        deployment.clients[service] = _made(deployment, service)
    return deployment.clients[service]


def _made(deployment: Deployment, service: str) -> Any:
    """Make a client of a cloud stack's account."""
    region, profile = place(deployment.stack)
    import boto3

    with explained(deployment, "the account"):
        session = boto3.Session(region_name=region, profile_name=profile)
        from botocore.config import Config

        config = Config(connect_timeout=CONNECT_TIMEOUT_S, read_timeout=READ_TIMEOUT_S)
        make: Any = session.client
        return make(service, config=config)


def place(stack: str) -> tuple[str, str | None]:
    """Give region and profile of a cloud stack, as its file names them.

    Raises:
        UsageError: The file names no region.
    """
    from deploy import stackfiles

    name = f"Pulumi.{stack}.yaml"
    values = stackfiles.own(stack)
    if not values.get(REGION):
        raise UsageError(
            f"{name}: {REGION}: is missing; where stack {stack} is, is unknown, nothing"
            " was changed",
            remedy=f"pulumi config set {REGION} eu-central-1 --stack {stack}",
        )
    return values[REGION], values.get(PROFILE)


@contextmanager
def explained(deployment: Deployment, what: str) -> Iterator[None]:
    """Turn what AWS refuses into errors that say what to do.

    Args:
        deployment: The stack.
        what: What is being asked for, e.g. ``queue llm-requests``.

    Raises:
        NotThereError: It does not exist, or nobody answers.
        AuthError: The credentials are missing or refused.
        DeployError: Anything else that AWS refuses.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        SSOError,
        TokenRetrievalError,
    )
    from botocore.exceptions import ConnectionError as NoConnectionError

    about = f"{what} of stack {deployment.stack}"
    start = "./bootstrap local.start" if deployment.is_local else None
    try:
        yield
    except (
        CredentialRetrievalError,
        NoCredentialsError,
        PartialCredentialsError,
        ProfileNotFound,
        SSOError,
        TokenRetrievalError,
    ) as error:
        raise AuthError(
            f"no AWS credentials for {about}: {error}", remedy=LOGIN
        ) from error
    except ClientError as error:
        raise _refused(error.response, error.operation_name, about) from error
    except (HTTPClientError, NoConnectionError) as error:
        raise NotThereError(
            f"{about}: AWS does not answer: {type(error).__name__}", remedy=start
        ) from error
    except BotoCoreError as error:
        raise DeployError(f"{about}: {type(error).__name__}") from error


def _refused(answer: Mapping[str, Any], action: str, about: str) -> DeployError:
    """Say what AWS refused, and what would mend it."""
    error = answer.get("Error", {})
    code = error.get("Code", "unknown")
    what = f"AWS refuses {action} for {about}: {code}"
    if CLOCK.search(f"{code} {error.get('Message', '')}"):
        return AuthError(
            f"{what}: the clock of this machine is wrong", remedy=SET_CLOCK
        )
    if code in CREDENTIAL_CODES:
        return AuthError(what, remedy=LOGIN)
    if any(word in code for word in MISSING_CODES):
        return NotThereError(
            f"{about} does not exist: it was never deployed",
            remedy="./bootstrap deploy",
        )
    return DeployError(what)
