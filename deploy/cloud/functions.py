"""The functions of a cloud stack: their addresses, and which versions answer."""

import hashlib
from collections.abc import Iterable

from deploy.account import client, explained
from deploy.deployment import Deployment
from deploy.schedules import ALIAS
from deploy.smoke.gateway import Where
from infra.catalog.services import SERVICES, Service
from infra.naming import physical_name


def where(deployment: Deployment, services: Iterable[Service] = SERVICES) -> Where:
    """Look the function URLs up, which answer whatever stands before them.

    Args:
        deployment: The stack.
        services: Whose; of those without a route there is none.

    Raises:
        NotThereError: A function was never deployed.
        DeployError: AWS refuses.
    """
    deployment.progress("looking up the function URLs")
    functions = client(deployment, "lambda")
    urls = {}
    for service in services:
        if service.route is None:
            continue
        name = physical_name(deployment.stack, service.name)
        with explained(deployment, f"the URL of function {service.name}"):
            found = functions.get_function_url_config(
                FunctionName=name, Qualifier=ALIAS
            )
        urls[service.name] = str(found["FunctionUrl"])
    return Where(urls=urls, remedy=logs_command(deployment, "chat-send"))


def build(deployment: Deployment) -> str:
    """Digest the versions that the aliases name: equal for the very same code.

    Raises:
        DeployError: AWS refuses, or a function is missing.
    """
    functions = client(deployment, "lambda")
    versions = []
    for service in SERVICES:
        name = physical_name(deployment.stack, service.name)
        with explained(deployment, f"function {service.name}"):
            alias = functions.get_alias(FunctionName=name, Name=ALIAS)
        versions.append(f"{alias['AliasArn']}:{alias['FunctionVersion']}")
    return hashlib.sha256("\n".join(versions).encode()).hexdigest()


def logs_command(deployment: Deployment, function: str) -> str:
    """Write the command that shows what a function logged."""
    name = physical_name(deployment.stack, function)
    return f"aws logs tail /aws/lambda/{name} --since 1h"
