"""The tests of chat and answers, on a database whose messages are partitioned."""

from typing import Any

import pytest

from tests.integration.functions import (
    test_accept_messages,
    test_chat_send_accepts,
    test_llm_handler_answers,
    test_relay_outbox_sweeps,
    test_voice_batches,
)
from tests.integration.migrations.conversion import partitioned_template

pytestmark = [pytest.mark.integration, pytest.mark.sweep]

MODULES = (
    test_accept_messages,
    test_chat_send_accepts,
    test_llm_handler_answers,
    test_relay_outbox_sweeps,
    test_voice_batches,
)

UNFIT = {
    "test_what_shares_a_message_with_a_conflict_is_not_kept_either",
    "test_an_id_of_another_conversation_is_a_conflict_and_costs_no_hit",
    "test_a_batch_with_an_id_of_another_conversation_leaves_nothing",
}
"""They make a unique index without chat_id, which partitions do not have."""


@pytest.fixture(scope="session")
def services_template(cluster: Any) -> str:
    """In the place of the fixture that all those tests stand on."""
    return partitioned_template(cluster, "partitioned_chat")


# The tests and the fixtures of their modules; what is in the conftest is here anyway.
for module in MODULES:
    for name, value in vars(module).items():
        if name.startswith("test_") and name not in UNFIT:
            globals()[f"{name}_on_partitions"] = value
        elif "Fixture" in type(value).__name__:
            globals()[name] = value
