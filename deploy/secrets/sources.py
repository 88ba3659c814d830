"""Where secrets are read to be digested: in memory, and never written or shown."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from deploy import account
from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError
from deploy.paths import REPOSITORY
from deploy.secrets.compare import Held
from infra import digests
from infra.catalog.secrets import SECRETS
from infra.catalog.services import SERVICES, Service
from infra.naming import PROJECT, physical_name

if TYPE_CHECKING:
    from subprocess import CompletedProcess

LIVE, NEXT = "live", "$LATEST"
"""What runs, and what was edited and not released."""

CLI_TIMEOUT_S = 60.0
"""Pulumi asks a key service, and for a passphrase where nobody has given one."""


def configured(deployment: Deployment) -> dict[str, str] | None:
    """Digest what is configured; ``None`` if the Pulumi CLI is not there to ask.

    Raises:
        DeployError: The CLI cannot decrypt the stack's configuration.
    """
    if deployment.is_local:
        from deploy.emulator.configuration import of_local

        return _digests(deployment, of_local(deployment.require_local()).values)
    from deploy.engine.cli import where

    command = where()
    if command is None:
        return None
    deployment.progress("decrypting the stack's configuration")
    values = _shown(_ask_cli(command, deployment.stack), deployment.stack)
    return _digests(deployment, values)


def recorded(deployment: Deployment) -> dict[str, str] | None:
    """Read the digests of the last deploy; ``None`` if it recorded none.

    Raises:
        AuthError: The credentials may not read or decrypt them.
        DeployError: They are not what this version writes.
    """
    name = digests.parameter_name(deployment.stack)
    ssm = account.client(deployment, "ssm")
    with account.explained(deployment, f"parameter {name}"):
        try:
            found = ssm.get_parameter(Name=name, WithDecryption=True)
        except ssm.exceptions.ParameterNotFound:
            return None
    try:
        return digests.read(found["Parameter"]["Value"])
    except (ValueError, KeyError) as error:
        raise DeployError(
            f"parameter {name} of stack {deployment.stack}: {error}; nothing can be"
            " compared with it",
            remedy="./bootstrap deploy",
        ) from error


def held(deployment: Deployment) -> Iterator[Held]:
    """Digest what each function has, in the version that runs and in the next one.

    Raises:
        NotThereError: A function does not exist, or nobody answers.
        AuthError: The credentials may not read it, or not decrypt its environment.
    """
    functions = account.client(deployment, "lambda")
    for service in SERVICES:
        deployment.progress(f"reading {service.name}")
        for version in (LIVE, NEXT):
            variables = _environment(deployment, functions, service, version)
            yield Held(
                service=service,
                version=version,
                names=frozenset(variables),
                digests=digests.digests(
                    deployment.stack,
                    {
                        each.config: variables.get(each.setting, "")
                        for each in SECRETS
                        if each.setting
                    },
                ),
            )


def _environment(
    deployment: Deployment, functions: Any, service: Service, version: str
) -> Mapping[str, str]:
    """Read the environment of a version of a function."""
    what = f"function {service.name}"
    with account.explained(deployment, what):
        found = functions.get_function_configuration(
            FunctionName=physical_name(deployment.stack, service.name),
            Qualifier=version,
        )
    environment = found.get("Environment", {})
    if refused := environment.get("Error"):
        # Lambda answers with the rest of the configuration and this in its place.
        raise AuthError(
            f"AWS does not decrypt the environment of {what} of stack"
            f" {deployment.stack}: {refused.get('ErrorCode')}; its secrets cannot be"
            " compared without kms:Decrypt on the stack's key",
            remedy=account.LOGIN,
        )
    variables: Mapping[str, str] = environment.get("Variables", {})
    return variables


def _digests(deployment: Deployment, values: Mapping[str, str]) -> dict[str, str]:
    """Digest the secrets among the values of a configuration."""
    found = {
        each.config: values.get(f"{PROJECT}:{each.config}", "") for each in SECRETS
    }
    return digests.digests(deployment.stack, found)


def _ask_cli(pulumi: str, stack: str) -> "CompletedProcess[str]":
    """Have the Pulumi CLI decrypt a stack's configuration.

    Raises:
        DeployError: It does not answer.
    """
    command = [pulumi, "config", "--show-secrets", "--json", "--stack", stack]
    try:
        return subprocess.run(
            [*command, "--non-interactive"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=CLI_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        # The error's own text would hold what the CLI has printed so far.
        raise _undecrypted(stack, type(error).__name__) from None


def _shown(done: "CompletedProcess[str]", stack: str) -> dict[str, str]:
    """Read what the CLI printed: ``{"kiloscale:key": {"value": ..., ...}}``."""
    if done.returncode:
        raise _undecrypted(stack, f"exit code {done.returncode}")
    try:
        entries = json.loads(done.stdout)
        return {key: str(each.get("value", "")) for key, each in entries.items()}
    except (ValueError, AttributeError):
        raise _undecrypted(stack, "its answer is not JSON") from None


def _undecrypted(stack: str, reason: str) -> DeployError:
    """Say that the CLI gave no configuration; never what it printed."""
    return DeployError(
        f"Pulumi.{stack}.yaml: the Pulumi CLI does not decrypt it ({reason}): what is"
        " configured cannot be compared",
        remedy=f"pulumi config --stack {stack}",
    )
