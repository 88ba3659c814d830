"""What a stack's program declares with the stack's own configuration."""

from dataclasses import dataclass
from typing import Any

from deploy.deployment import LOCAL, Deployment
from deploy.errors import UsageError
from deploy.planning import declared, inputs, ledger, stackfile
from deploy.planning.ledger import Document
from deploy.planning.recording import Recorded, record, whole_program
from deploy.planning.stackfile import Stackfile
from infra.archives import Archives
from infra.catalog.secrets import SECRETS
from infra.config import StackConfig
from infra.config_values import ConfigError


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a stack's program declares.

    Attributes:
        stackfile: The configuration that it was given.
        recorded: Its resources and outputs, as of an update.
        document: The same without secrets.
        exposed: Where a secret would stand in plain text.
    """

    stackfile: Stackfile
    recorded: Recorded
    document: Document
    exposed: tuple[declared.Exposed, ...]


def declare(deployment: Deployment, config: Stackfile | None = None) -> Declaration:
    """Run a stack's program and write down what it declares; nothing is changed.

    Args:
        deployment: The stack, and where its records are.
        config: Its configuration, if it was read already.

    Raises:
        UsageError: The configuration is incomplete or wrong.
    """
    config = config or stackfile.read(deployment.stack, deployment.state)
    recorded = of(config)
    writer = declared.Writer(
        key=ledger.key(ledger.folder(deployment)),
        hidden=config.hidden,
        zips=inputs.zips(config.stack),
    )
    return Declaration(
        stackfile=config,
        recorded=recorded,
        document=declared.document(config.stack, recorded, writer, config.providers),
        exposed=tuple(writer.exposed),
    )


def completed(config: Stackfile) -> Stackfile:
    """Put stand-ins in the place of secrets that nobody has set yet.

    So that a plan can be read before there is any secret, or an account to need it. A
    configuration with another problem stays as it is, and is refused when it is used.
    """

    def read() -> dict[str, Any]:
        StackConfig.load()
        return {}

    try:
        record(config.values, config.secrets, stack=config.stack, program=read)
    except ConfigError as error:
        secret = {each.config for each in SECRETS}
        absent = {key for key in error.keys & secret if not config.value(key)}
        if absent == error.keys:
            return config.standing_in(absent)
    return config


def save(deployment: Deployment) -> str:
    """Keep what a stack's program declares as what its last deploy declared.

    To be called when the stack was provisioned, by that program and configuration.

    Returns:
        The document's digest, for the receipt.

    Raises:
        UsageError: The configuration is incomplete or wrong.
    """
    ledger.make_key(deployment.records)
    document = declare(deployment).document
    ledger.save(deployment.records, document)
    return ledger.digest(document)


def of(config: Stackfile, *, preview: bool = False) -> Recorded:
    """Record the whole program with a stack's configuration.

    Raises:
        UsageError: The configuration is incomplete or wrong.
    """
    archives = Archives(folder="../dist")
    if config.stack == LOCAL:
        from deploy.emulator.provision import local_architecture, local_runtime

        archives = Archives(
            folder="../dist",
            runtime=local_runtime(),
            architecture=local_architecture(),
        )
    try:
        return record(
            config.values,
            config.secrets,
            stack=config.stack,
            program=lambda: whole_program(archives),
            preview=preview,
        )
    except ConfigError as error:
        raise UsageError(
            _explained(str(error), config),
            remedy=f"correct Pulumi.{config.stack}.yaml, then: ./bootstrap plan"
            + ("" if config.stack == LOCAL else f" --stack {config.stack}"),
        ) from error


def _explained(problems: str, config: Stackfile) -> str:
    """Say of which values only a stand-in was looked at, without showing it."""
    lines = []
    for line in problems.splitlines():
        shown = line
        for key in config.placeholders:
            shown = shown.replace(config.values[key], "<encrypted>")
        names = [key for key in config.placeholders if f": {key}: " in line]
        note = " (encrypted: a plan cannot read it; `pulumi preview` does)"
        lines.append(shown + note if names else shown)
    return "\n".join(lines)
