"""An emulator that drops a connection without an answer, as it does under load."""

import socket
import threading

import pytest
from botocore.exceptions import ConnectionClosedError

from deploy.emulator.kinds import Made
from deploy.emulator.live import Look
from deploy.emulator.mocks import EmulatorMocks
from deploy.emulator.record import Record
from deploy.errors import DeployError
from deploy.local.facts import new_stack

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Dropping:
    """A kind of resource whose first connections are dropped."""

    def __init__(self, drops: int) -> None:
        self.drops = drops
        self.puts = 0

    def put(self, aws, name, inputs, known):
        self.puts += 1
        if self.puts <= self.drops:
            raise ConnectionClosedError(endpoint_url="http://127.0.0.1:1")
        return Made(id=name)


@pytest.fixture
def mocks(tmp_path):
    stack = new_stack(tmp_path, home=tmp_path)
    return EmulatorMocks(stack, Record.load(tmp_path), [], {}, lambda _: None)


def test_a_resource_is_put_again_after_a_dropped_connection(mocks):
    kind = Dropping(1)

    assert mocks._put(kind, "queue", {}, None) == Made(id="queue")
    assert kind.puts == 2


def test_a_second_drop_is_an_error(mocks):
    kind = Dropping(2)

    with pytest.raises(ConnectionClosedError):
        mocks._put(kind, "queue", {}, None)
    assert kind.puts == 2


@pytest.fixture
def dropping(tmp_path):
    """A server that closes its first connections after it has read the request."""
    servers = []

    def start(drops: int) -> Look:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            for number in range(drops + 1):
                connection, _ = server.accept()
                with connection:
                    connection.recv(65_536)
                    if number == drops:
                        connection.sendall(OK)

        threading.Thread(target=serve, daemon=True).start()
        stack = new_stack(tmp_path, home=tmp_path)
        return Look(stack.on_ports(emulator=server.getsockname()[1]))

    yield start
    for server in servers:
        server.close()


def test_a_look_asks_again_after_a_dropped_connection(dropping):
    assert dropping(1).get("lambda", "/x").found


def test_a_look_gives_up_after_a_second_drop(dropping):
    with pytest.raises(DeployError, match="does not answer"):
        dropping(2).get("lambda", "/x")
