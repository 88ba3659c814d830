"""Which topics the relay carries: those whose receiver is configured."""

import pytest

from functions.relay_outbox.handler import carriers
from functions.relay_outbox.settings import Settings

QUEUES = {"QUEUE_URL_LLM": "https://sqs/llm", "QUEUE_URL_EXTRACTION": "https://sqs/x"}


@pytest.mark.parametrize(
    ("variables", "topics"),
    [
        ({}, set()),
        (QUEUES, {"llm", "extraction"}),
        ({"QUEUE_URL_EXTRACTION": "https://sqs/x"}, {"extraction"}),
        (QUEUES | {"SUPABASE_URL": "https://a"}, {"llm", "extraction", "realtime"}),
    ],
)
def test_a_topic_is_carried_where_somebody_takes_it(variables, topics):
    settings = Settings.from_environ({"DATABASE_URL": "x"} | variables)

    assert set(carriers(settings)) == topics


def test_each_queue_gets_its_own_topic():
    settings = Settings.from_environ({"DATABASE_URL": "x"} | QUEUES)

    urls = {topic: each._queue._url for topic, each in carriers(settings).items()}

    assert urls == {"llm": "https://sqs/llm", "extraction": "https://sqs/x"}
