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


for module in MODULES:
    for name in vars(module):
        if name.startswith("test_"):
            globals()[f"{name}_on_partitions"] = getattr(module, name)
