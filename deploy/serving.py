"""The task ``serve``: all functions in one process, until Ctrl-C."""

import os
import signal
import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from deploy import console
from deploy.deployment import LOCAL, Deployment
from deploy.errors import DeployError, ExitCode, UsageError
from deploy.run import ending

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from deploy.local.facts import LocalStack

BACKLOG = 2_048
"""Connections that wait to be taken; hundreds of clients may come at once."""

ACCEPTS = 16
"""Handles of the one listening socket. uvloop takes one connection for each handle and
turn of its loop: with a single one, some of 400 clients that came at once to a busy
server waited for their first answer for more than 2 s; with 16 none did."""

LAST_ANSWERS_S = 10
"""How long Ctrl-C waits for requests that have begun, in seconds."""

NEEDED = "kiloscale.accept_messages(jsonb,integer)"


def serve(host: str, port: int) -> int:
    """Serve until interrupted.

    Args:
        host: Address or name to listen on.
        port: Port to listen on; 0 takes a free one.

    Returns:
        0: the end of a server is to be told to end.
    """
    with ending("serve", LOCAL):
        variables = _environment()
        with _listen(host, port) as listener:
            application = _assemble(variables)
            _require_migrations(variables["DATABASE_URL"])
            _serve(application, listener)
    return int(ExitCode.DONE)


def _environment() -> Mapping[str, str]:
    """Give the process's environment if it is one, else the local stack's."""
    if os.environ.get("DATABASE_URL"):
        return os.environ
    deployment = Deployment(stack=LOCAL, progress=lambda _: None)
    stack = deployment.require_local()
    if not deployment.has_database():
        raise DeployError(
            "the local stack does not run: there is no database to serve",
            remedy="./bootstrap local.start",
        )
    return of_local(stack)


def of_local(stack: "LocalStack") -> dict[str, str]:
    """Give the variables of all services together, as the local stack's functions.

    There is no queue in them, since the process does the queues' work itself, and no
    metrics, which would go to a real account.
    """
    import pulumi

    from deploy.emulator import configuration, runner
    from infra.catalog.queues import QUEUES
    from infra.catalog.services import SERVICES
    from infra.config import StackConfig
    from infra.environment import render

    class NoResources(pulumi.runtime.Mocks):
        """Stands in for the engine; only configuration is read."""

        def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
            raise NotImplementedError(args.token)

        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> Any:
            raise NotImplementedError(args.typ)

    def program() -> dict[str, pulumi.Output[Any]]:
        config = StackConfig.load()
        queues = {queue.topic: "" for queue in QUEUES}
        values: dict[str, pulumi.Input[str]] = {}
        for service in SERVICES:
            values |= render(service, config, queues)
        return {name: pulumi.Output.from_input(each) for name, each in values.items()}

    local = configuration.of_local(stack)
    variables: dict[str, str] = runner.run(
        program,
        NoResources(),
        stack=configuration.STACK,
        config=local.values,
        secrets=local.secrets,
    )
    return {**variables, "METRICS_NAMESPACE": ""}


def _require_migrations(url: str) -> None:
    """Refuse a database that lacks what the services call.

    Raises:
        UsageError: The migrations are not applied.
    """
    from deploy.database import connect, redact

    with connect(url) as connection:
        row = connection.execute("select to_regprocedure(%s)", (NEEDED,)).fetchone()
    if row is None or row[0] is None:
        raise UsageError(
            f"{redact(url)} has no function {NEEDED}: its migrations are not applied",
            remedy="./bootstrap deploy --only migrations",
        )


def _assemble(variables: Mapping[str, str]) -> "ASGIApp":
    """Make the application.

    Raises:
        UsageError: A variable is missing or unreadable.
    """
    from functions.asgi import create
    from functions.shared.environment import SettingsError

    try:
        return create(variables)
    except SettingsError as error:
        raise UsageError(str(error), remedy="./bootstrap local.env") from error


def _serve(application: "ASGIApp", listener: socket.socket) -> None:
    """Say where it listens, and run until a signal ends it."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            application,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=LAST_ANSWERS_S,
        )
    )
    address, taken = listener.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    console.say_lines([f"http://{shown}:{taken}"])
    if not ip_address(address.partition("%")[0]).is_loopback:
        console.say_lines(["whoever reaches this machine can reach it; Ctrl-C ends it"])
    # The server raises a signal again once it has ended by it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        server.run(sockets=[listener, *(listener.dup() for _ in range(ACCEPTS - 1))])
    except KeyboardInterrupt:
        console.say_lines(["ended"])


def _listen(host: str, port: int) -> socket.socket:
    """Open the port.

    Raises:
        UsageError: It is taken, or not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot listen on {host} port {port}: {reason}",
            remedy="./bootstrap serve --port 0",
        ) from error
    return listener
