"""The proxy that counts round trips on the wire."""

import psycopg
import pytest

from benchmarks.services.proxy import counted
from deploy.errors import DeployError

pytestmark = pytest.mark.integration


@pytest.fixture
def wire(cluster, scratch_url):
    """A proxy, and a connection through it."""
    with (
        counted(scratch_url, cluster.port) as (proxy, url),
        psycopg.connect(url, autocommit=True) as connection,
    ):
        yield proxy, connection


def test_a_statement_is_one_round_trip(wire):
    proxy, connection = wire

    with proxy.counting() as seen:
        connection.execute("select %s::int", (1,))

    assert (seen.flights, seen.connections) == (1, 0)


def test_a_large_statement_in_many_packets_is_one_round_trip(wire):
    proxy, connection = wire

    with proxy.counting() as seen:
        connection.execute("select length(%s)", ("x" * 1_000_000,))

    assert seen.flights == 1


def test_a_transaction_sent_step_by_step_is_three(wire):
    proxy, connection = wire

    with proxy.counting() as seen, connection.transaction():
        connection.execute("select 1")

    assert seen.flights == 3


def test_statements_that_wait_for_nothing_are_one_round_trip(wire):
    proxy, connection = wire

    with proxy.counting() as seen, psycopg.ClientCursor(connection) as cursor:
        cursor.execute("begin; select 1; commit")

    assert seen.flights == 1


def test_a_connection_that_is_opened_meanwhile_is_refused(cluster, scratch_url):
    with (
        counted(scratch_url, cluster.port) as (proxy, url),
        pytest.raises(DeployError, match="not warm"),
        proxy.counting(),
    ):
        psycopg.connect(url).close()
