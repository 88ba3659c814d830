"""A replica is an offer: whatever is wrong with it, the primary answers."""

import psycopg
import pytest

from functions.shared.replicas import DOWN_PAUSE_S, Replica


class Broken:
    """A database that cannot answer; counts how often it was asked."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.asked = 0

    def run(self, work, *, repeatable):
        self.asked += 1
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        psycopg.OperationalError("the connection is lost"),
        psycopg.errors.UndefinedColumn("a migration is not here yet"),
        psycopg.errors.InsufficientPrivilege("a role has no rights here"),
        psycopg.InterfaceError("the connection is closed"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_replica_that_cannot_answer_is_left_alone_for_a_while(error):
    moment = [0.0]
    database = Broken(error)
    replica = Replica(database, staleness_s=5, clock=lambda: moment[0])

    answers = [replica.read(lambda _: 1, lambda _: 0.0) for _ in range(2)]
    moment[0] = DOWN_PAUSE_S + 1
    replica.read(lambda _: 1, lambda _: 0.0)

    assert answers == [None, None]
    assert database.asked == 2


def test_a_defect_of_ours_is_not_taken_for_a_replica_that_is_away():
    replica = Replica(Broken(KeyError("x")), staleness_s=5)

    with pytest.raises(KeyError):
        replica.read(lambda _: 1, lambda _: 0.0)
