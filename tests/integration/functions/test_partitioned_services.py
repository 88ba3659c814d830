"""The services' own tests, on a database whose messages are partitioned."""

from typing import Any

import pytest

from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from tests.integration.functions import (
    test_accept_messages,
    test_chat_send_accepts,
    test_extract_memory_reads,
    test_extractions_wait,
    test_llm_handler_answers,
    test_relay_outbox_sweeps,
    test_voice_batches,
)
from tests.integration.migrations.conversion import convert

pytestmark = [pytest.mark.integration, pytest.mark.sweep]

TEMPLATE = "partitioned_services_template"
MODULES = (
    test_accept_messages,
    test_chat_send_accepts,
    test_extract_memory_reads,
    test_extractions_wait,
    test_llm_handler_answers,
    test_relay_outbox_sweeps,
    test_voice_batches,
)


@pytest.fixture(scope="session")
def services_template(cluster: Any) -> str:
    """In the place of the fixture that all those tests stand on."""
    with cluster.admin() as conn:
        conn.execute(
            f"CREATE DATABASE {TEMPLATE} TEMPLATE scratch_template OWNER postgres"
        )
    url = cluster.url(TEMPLATE)
    apply(url, discover(REPOSITORY / "migrations"), lambda _: None)
    convert(url)
    convert(url, "finish")
    return TEMPLATE


UNFIT = "test_what_shares_a_message_with_a_conflict_is_not_kept_either"
"""It makes a unique index without chat_id, which partitions do not have."""

# The tests and the fixtures of their modules; what is in the conftest is here anyway.
for module in MODULES:
    for name, value in vars(module).items():
        if name.startswith("test_") and name != UNFIT:
            globals()[f"{name}_on_partitions"] = value
        elif "Fixture" in type(value).__name__:
            globals()[name] = value
