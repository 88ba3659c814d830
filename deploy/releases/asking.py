"""Requests to a service through its function URL, on local and in the cloud."""

import time
from typing import Protocol
from urllib.parse import urljoin

from deploy.deployment import Deployment
from deploy.errors import DeployError
from deploy.releases.versions import ALIAS, Functions
from deploy.smoke.gateway import TIMEOUT_S, Answer, Gateway
from infra.catalog.services import Service


class Asks(Protocol):
    """Who sends a request to a service's route."""

    def request(
        self, service: Service, *, token: str | None = None, body: bytes | None = None
    ) -> Answer:
        """Send it."""


class CloudGateway:
    """Sends requests to the function URLs that Lambda names."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def request(
        self, service: Service, *, token: str | None = None, body: bytes | None = None
    ) -> Answer:
        """Send one request to the service's route.

        Raises:
            DeployError: It has no URL, or does not answer.
        """
        import httpx

        method, path = service.route or ("GET", "/")
        headers = {"accept": "application/json", "content-type": "application/json"}
        if token:
            headers["authorization"] = f"Bearer {token}"
        url = urljoin(self._url(service), path)
        started = time.perf_counter()
        try:
            got = httpx.request(
                method, url, content=body, headers=headers, timeout=TIMEOUT_S
            )
        except httpx.HTTPError as error:
            raise DeployError(
                f"{method} {url}: no answer ({type(error).__name__})",
                remedy="./bootstrap releases",
            ) from error
        return Answer(
            status=got.status_code,
            headers={name.lower(): value for name, value in got.headers.items()},
            body=got.text[:2_000],
            ms=(time.perf_counter() - started) * 1000,
        )

    def _url(self, service: Service) -> str:
        name, client = self._functions.name(service), self._functions.client
        try:
            found = client.get_function_url_config(FunctionName=name, Qualifier=ALIAS)
        except client.exceptions.ResourceNotFoundException as error:
            raise DeployError(
                f"function {name} has no function URL",
                remedy="pulumi up --refresh",
            ) from error
        return str(found["FunctionUrl"])


def asks(deployment: Deployment, functions: Functions) -> Asks:
    """Give who asks a stack's services."""
    if deployment.is_local:
        return Gateway(deployment.require_local())
    return CloudGateway(functions)
