"""The versions of the services on Lambda, and the alias that makes one live."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from deploy import account
from deploy.deployment import Deployment
from deploy.errors import DeployError, HalfDoneError
from infra.catalog.services import SERVICES, Service
from infra.naming import physical_name

ALIAS = "live"
"""As `infra.components.python_service` has it, whose import takes a second."""

API = "/2015-03-31/functions"
LATEST = "$LATEST"


@dataclass(frozen=True, kw_only=True)
class Version:
    """A published version of a function.

    Attributes:
        number: As Lambda counts, from 1 on.
        sha256: Of its zip, base64, as Lambda's ``CodeSha256``.
    """

    number: int
    sha256: str


Release = Mapping[str, Version]
"""The version that is live, by name of the service; without those that have none."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """What Lambda says of a version.

    Attributes:
        version: Its number and code.
        at: When it was published, in ISO 8601 with an offset.
        size: Of its zip, in bytes.
        settings: Its environment, secrets in plain: for comparing, never for showing.
    """

    version: Version
    at: str
    size: int
    settings: Mapping[str, str] = field(repr=False)


def live(deployment: Deployment) -> Release:
    """Look which versions are live.

    On ``local`` without boto3, whose import takes 0.5 s: a no-op deploy looks too.

    Raises:
        DeployError: The account does not answer, or refuses.
    """
    if not deployment.is_local:
        functions = Functions(deployment)
        found = {each.name: functions.live(each) for each in SERVICES}
        return {name: version for name, version in found.items() if version}
    from deploy.emulator.live import Look

    release = {}
    with closing(Look(deployment.require_local())) as look:
        for service in SERVICES:
            path = f"{API}/{physical_name(deployment.stack, service.name)}"
            answer = look.get("lambda", f"{path}/configuration", Qualifier=ALIAS)
            if answer.found:
                release[service.name] = _version(answer.json())
    return release


class Functions:
    """The stack's functions; what AWS refuses is told in words that say what to do."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.client = account.client(deployment, "lambda")

    def name(self, service: Service) -> str:
        """Give the function's name."""
        return physical_name(self._deployment.stack, service.name)

    def live(self, service: Service) -> Version | None:
        """Give the version that is live; ``None`` if the service was never deployed."""
        name = self.name(service)
        gone = self.client.exceptions.ResourceNotFoundException
        with account.explained(self._deployment, f"function {name}"):
            try:
                alias = self.client.get_alias(FunctionName=name, Name=ALIAS)
                found = self.client.get_function_configuration(
                    FunctionName=name, Qualifier=alias["FunctionVersion"]
                )
            except gone:
                return None
        return _version(found)

    def weights(self) -> dict[str, dict[str, float]]:
        """Give the versions besides the live one that get calls, by service."""
        found = {}
        for service in SERVICES:
            name = self.name(service)
            with account.explained(self._deployment, f"function {name}"):
                alias = self.client.get_alias(FunctionName=name, Name=ALIAS)
            routing = alias.get("RoutingConfig") or {}
            found[service.name] = dict(routing.get("AdditionalVersionWeights") or {})
        return found

    def published(self, service: Service) -> list[Published]:
        """List the versions that there are, oldest first; empty without a function."""
        name = self.name(service)
        gone = self.client.exceptions.ResourceNotFoundException
        pages = self.client.get_paginator("list_versions_by_function")
        with account.explained(self._deployment, f"function {name}"):
            try:
                found = [
                    each
                    for page in pages.paginate(FunctionName=name)
                    for each in page["Versions"]
                    if each["Version"] != LATEST
                ]
            except gone:
                return []
        known = [_published(each) for each in found]
        return sorted(known, key=lambda each: each.version.number)

    def move(self, service: Service, number: int) -> None:
        """Point the alias at a version, all of it: weights of others are taken away."""
        name = self.name(service)
        with account.explained(self._deployment, f"alias {ALIAS} of function {name}"):
            self.client.update_alias(
                FunctionName=name,
                Name=ALIAS,
                FunctionVersion=str(number),
                RoutingConfig={"AdditionalVersionWeights": {}},
            )

    def move_together(self, moves: Sequence[tuple[Service, int, int]]) -> None:
        """Move aliases, all or none.

        Args:
            moves: Service, version that is live, version that is to be.

        Raises:
            DeployError: One was refused; those before it are back.
            HalfDoneError: One was refused, and another could not be moved back.
        """
        tried: list[tuple[Service, int, int]] = []
        try:
            for move in moves:
                # Noted first: it may move although its answer never comes.
                tried.append(move)
                self.move(move[0], move[2])
        except (DeployError, KeyboardInterrupt):
            self._undo(tried)
            raise

    def _undo(self, tried: Sequence[tuple[Service, int, int]]) -> None:
        """Move aliases back, each of them whatever becomes of the others."""
        left = []
        for service, before, _ in reversed(tried):
            try:
                now = self.live(service)
                if now is None or now.number != before:
                    self.move(service, before)
            except DeployError as error:
                left.append(f"{service.name} to {before} ({error})")
        if left:
            raise HalfDoneError(
                f"some aliases moved and could not be moved back: {'; '.join(left)}",
                remedy="./bootstrap releases",
            )


def _version(found: Mapping[str, Any]) -> Version:
    """Read a version from a configuration."""
    return Version(number=int(found["Version"]), sha256=found["CodeSha256"])


def _published(found: Mapping[str, Any]) -> Published:
    """Read what Lambda lists of a version."""
    return Published(
        version=_version(found),
        at=found["LastModified"],
        size=found["CodeSize"],
        settings=(found.get("Environment") or {}).get("Variables", {}),
    )
