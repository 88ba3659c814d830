"""What the checklist reads of a cloud stack's configuration, secrets included.

A secret comes from the environment, or from the engine where there is a CLI. It goes
into a request or a signature, never into argv, a log, a result or a file.
"""

import os
from uuid import UUID

from deploy import stackfiles
from deploy.deployment import Deployment
from deploy.errors import UsageError
from infra.config_checks import uuid
from infra.naming import PROJECT

JWT_SECRET = ("jwtSecret", "KILOSCALE_JWT_SECRET")
INTERNAL_KEY = ("internalApiKey", "KILOSCALE_INTERNAL_API_KEY")
"""Secrets: key in the stack's file, variable of the environment."""

SMOKE_USER = "smokeUserId"


def plain(deployment: Deployment, key: str) -> str:
    """Give a value that is no secret; empty if it is not set."""
    return stackfiles.own(deployment.stack).get(f"{PROJECT}:{key}", "")


def smoke_user(deployment: Deployment) -> UUID | None:
    """Give the user that a deploy may write a message as.

    Raises:
        UsageError: The value is no user's id.
    """
    value = plain(deployment, SMOKE_USER)
    if value and (wrong := uuid(value)):
        raise UsageError(
            f"Pulumi.{deployment.stack}.yaml: {PROJECT}:{SMOKE_USER}: {wrong};"
            " no message was sent",
            remedy=f"pulumi config set {SMOKE_USER} <id> --stack {deployment.stack}",
        )
    return UUID(value) if value else None


def secret(deployment: Deployment, name: tuple[str, str]) -> str | None:
    """Give a secret; ``None`` where neither the environment nor an engine has it.

    Raises:
        DeployError: There is an engine and it refuses.
    """
    key, variable = name
    if given := os.environ.get(variable):
        return given
    from deploy.engine import cli

    if cli.where() is None:
        return None
    from deploy.engine.workspace import explained, open_stack

    engine = deployment.preview.engine if deployment.preview else None
    stack = (engine or open_stack(deployment)).stack
    with explained(deployment):
        return str(stack.get_config(f"{PROJECT}:{key}").value)
