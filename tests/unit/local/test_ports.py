import socket

import pytest

from deploy.errors import DeployError
from deploy.local import ports


@pytest.fixture
def listening():
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free(listening):
    assert not ports.is_free(listening)


def test_a_free_port_can_be_listened_on():
    port = ports.free_port()

    with socket.socket() as server:
        server.bind((ports.LOOPBACK, port))


def test_a_promised_port_is_not_given_again(monkeypatch):
    offers = iter([21000, 21001])
    monkeypatch.setattr(ports.random, "randint", lambda *_: next(offers))
    monkeypatch.setattr(ports, "is_free", lambda port: True)

    assert ports.free_port([21000]) == 21001


def test_a_machine_without_free_ports_is_told_so(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: False)

    with pytest.raises(DeployError, match="no free port between 20000 and 32767"):
        ports.free_port()
