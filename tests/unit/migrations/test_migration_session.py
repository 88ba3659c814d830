from types import SimpleNamespace

import psycopg
import pytest

from deploy.errors import UsageError
from deploy.migrations import session

URL = "postgresql://app:s3cret@db.example:5432/shop"


class Pooled:
    """A connection through a pooler: what it sets may be gone at its next statement.

    Attributes:
        keeps: Whether the pooler keeps one server connection for the session.
    """

    info = SimpleNamespace(backend_pid=17)

    def __init__(self, *, keeps, pool_of_one=False):
        self.keeps = keeps
        self.pool_of_one = pool_of_one
        self.mark = None

    def execute(self, query, values=()):
        if "pg_backend_pid" in query:
            return SimpleNamespace(fetchone=lambda: (4711,))
        if "set_config" in query:
            self.mark = values[0]
        if "current_setting" in query and self.pool_of_one:
            raise psycopg.OperationalError("query_wait_timeout")
        seen = self.mark if self.keeps else None
        return SimpleNamespace(fetchone=lambda: (seen,))


class Second:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def execute(self, query):
        return None

    def rollback(self):
        return None


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.setattr(session, "connect", lambda *_, **__: Second())


def test_a_session_pooler_is_accepted():
    session._refuse_pooler(Pooled(keeps=True), URL)


@pytest.mark.parametrize("pool_of_one", [False, True])
def test_a_transaction_pooler_on_any_port_is_refused(pool_of_one):
    with pytest.raises(UsageError) as caught:
        session._refuse_pooler(Pooled(keeps=False, pool_of_one=pool_of_one), URL)

    assert str(caught.value) == (
        "postgresql://app@db.example:5432/shop is a transaction pooler (its settings"
        " change between transactions): a lock and a concurrent index build need one"
        " session; nothing was changed"
    )
