"""The tests of extraction, on a database whose messages are partitioned."""

from typing import Any

import pytest

from tests.integration.functions import (
    test_extract_memory_reads,
    test_extractions_wait,
)
from tests.integration.migrations.conversion import partitioned_template

pytestmark = [pytest.mark.integration, pytest.mark.sweep]

MODULES = (
    test_extract_memory_reads,
    test_extractions_wait,
)


@pytest.fixture(scope="session")
def services_template(cluster: Any) -> str:
    """In the place of the fixture that all those tests stand on."""
    return partitioned_template(cluster, "partitioned_extraction")


# The tests and the fixtures of their modules; what is in the conftest is here anyway.
for module in MODULES:
    for name, value in vars(module).items():
        if name.startswith("test_"):
            globals()[f"{name}_on_partitions"] = value
        elif "Fixture" in type(value).__name__:
            globals()[name] = value
