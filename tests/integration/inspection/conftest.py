"""A database with the migrations, and what a task says of it."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from deploy.checklist import Result
from deploy.inspection.access import Connection, looking
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

TEMPLATE = "inspection_template"

_numbers = itertools.count(1)

Look = Callable[[Connection], Iterator[Result]]


@pytest.fixture(scope="session")
def inspection_template(cluster: Any) -> str:
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE {TEMPLATE} TEMPLATE scratch_template OWNER postgres"
        )
    apply(cluster.url(TEMPLATE), discover(REPOSITORY / "migrations"), lambda _: None)
    return TEMPLATE


@pytest.fixture
def database_url(cluster: Any, inspection_template: str) -> Iterator[str]:
    """A fresh database with all migrations, as role postgres, not a superuser."""
    name = f"inspected_{next(_numbers)}"
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE {name} TEMPLATE {inspection_template} OWNER postgres"
        )
    yield cluster.url(name)
    with cluster.admin() as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


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
