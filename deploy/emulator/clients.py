"""Clients of the AWS emulator."""

import threading
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3

    from deploy.local.facts import LocalStack

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 30
CONNECTIONS = 16
"""As many as Pulumi has resources under way at once, and some."""

# Making a session or a client is not safe in two threads at once; using one is.
_making = threading.Lock()


class Clients:
    """One client for each service, made when first asked for; usable from threads."""

    def __init__(self, stack: "LocalStack") -> None:
        self._stack = stack
        self._clients: dict[str, Any] = {}

    def of(self, service: str) -> Any:
        """Give the client of a service, e.g. ``lambda``."""
        with _making:
            if service not in self._clients:
                self._clients[service] = self._make(service)
            return self._clients[service]

    def _make(self, service: str) -> Any:
        from botocore.config import Config

        stack = self._stack
        session = _session(stack.access_key_id, stack.secret_access_key, stack.region)
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            # An answer of the emulator is final: what fails, fails again.
            retries={"total_max_attempts": 1, "mode": "standard"},
            max_pool_connections=CONNECTIONS,
        )
        make: Any = session.client
        made = make(service, endpoint_url=stack.emulator_url, config=config)
        # Made when first asked for: two threads would get two classes for one error,
        # and what is raised would not be what is caught.
        made.exceptions  # noqa: B018  # to have them made
        return made


@cache
def _session(key_id: str, secret: str, region: str) -> "boto3.Session":
    """Make a session; it parses the description of each API once, for 0.3 s."""
    import boto3

    return boto3.Session(
        aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=region
    )


def client(stack: "LocalStack", service: str) -> Any:
    """Make a client of the emulator with the administrator's keys.

    Args:
        stack: The local stack.
        service: Name in boto3, e.g. ``sqs``.
    """
    return Clients(stack).of(service)
