"""A database with the migrations, and what a task says of it."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from deploy.checklist import Result
from deploy.inspection.access import Connection, looking

Look = Callable[[Connection], Iterator[Result]]


@pytest.fixture
def database_url(migrated_url: str) -> str:
    """A fresh database with all migrations, as role postgres, not a superuser."""
    return migrated_url


@pytest.fixture
def database(database_url: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to it in autocommit mode."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def seen(database_url: str) -> Callable[[Look], dict[str, Result]]:
    """What a task says of the database, by id."""
    return lambda look: results(database_url, look)


def results(url: str, look: Look) -> dict[str, Result]:
    """Look in one read-only transaction."""
    with looking(url, "testing") as connection:
        found = list(look(connection))
    assert len({each.id for each in found}) == len(found), "an id twice"
    return {each.id: each for each in found}
