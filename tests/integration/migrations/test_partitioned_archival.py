"""The tests of archival and reclaim, on a table that is partitioned."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from deploy.database import connect
from tests.integration.migrations import (
    test_health_and_history,
    test_message_archival,
    test_rate_limits,
)
from tests.integration.migrations.conftest import Database
from tests.integration.migrations.conversion import convert

pytestmark = [pytest.mark.integration, pytest.mark.sweep]

TEMPLATE = "partitioned_template"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def partitioned_template(cluster: Any, migrated_template: str) -> str:
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE {TEMPLATE} TEMPLATE {migrated_template} OWNER postgres"
        )
    convert(cluster.url(TEMPLATE))
    convert(cluster.url(TEMPLATE), "finish")
    return TEMPLATE


@pytest.fixture
def app(cluster: Any, partitioned_template: str) -> Iterator[Database]:
    """In the place of the fixture that all those tests stand on."""
    name = f"partitioned_{next(_numbers)}"
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE {name} TEMPLATE {partitioned_template} OWNER postgres"
        )
    with connect(cluster.url(name)) as conn:
        yield Database(cluster.url(name), conn)
    with cluster.admin() as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


for module in (test_health_and_history, test_message_archival, test_rate_limits):
    for name in vars(module):
        if name.startswith("test_"):
            globals()[f"{name}_on_partitions"] = getattr(module, name)
