"""extract_memory's batches: one reading for a conversation, failures by themselves."""

import json
from uuid import UUID

import pytest

from functions.extract_memory import handler
from functions.extract_memory.extraction import Extraction, Outcome
from functions.shared.providers.interface import ProviderError

ONE, TWO = UUID(int=1), UUID(int=2)


class FakeContext:
    def get_remaining_time_in_millis(self) -> int:
        return 50_000


class FakeExtractor:
    """Gives the outcome of each conversation, or raises it."""

    def __init__(self, outcomes: dict) -> None:
        self.outcomes = outcomes
        self.read: list[tuple[UUID, list[int]]] = []

    def extract(self, chat_id, outbox_ids, left_s):
        assert left_s() == 50.0
        self.read.append((chat_id, list(outbox_ids)))
        outcome = self.outcomes.get(chat_id, Extraction(outcome=Outcome.READ))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class FakeMetrics:
    def write(self) -> None:
        pass


@pytest.fixture
def handle(monkeypatch):
    def handle(bodies: list[str], outcomes: dict | None = None):
        service = FakeExtractor(outcomes or {})
        monkeypatch.setattr(handler, "_service", lambda: (service, FakeMetrics()))
        records = [
            {"messageId": f"m{number}", "body": body}
            for number, body in enumerate(bodies)
        ]
        response = handler.handle({"Records": records}, FakeContext())
        failed = [each["itemIdentifier"] for each in response["batchItemFailures"]]
        return failed, sorted(service.read)

    return handle


def work(outbox_id: int, chat: UUID) -> str:
    return json.dumps({"outbox_id": outbox_id, "chat_id": str(chat), "more": 1})


def test_the_records_of_a_conversation_are_read_together(handle):
    bodies = [work(3, ONE), work(1, TWO), work(2, ONE), work(2, ONE)]

    assert handle(bodies) == ([], [(ONE, [2, 3]), (TWO, [1])])


@pytest.mark.parametrize(
    "error", [ProviderError("503", is_transient=True), RuntimeError("a defect")]
)
def test_a_conversation_that_fails_fails_alone_and_whole(handle, error):
    bodies = [work(1, ONE), work(2, TWO), work(3, ONE)]

    failed, _ = handle(bodies, {ONE: error})

    assert failed == ["m0", "m2"]


def test_only_what_another_consumer_works_on_is_delivered_again(handle):
    partly = Extraction(outcome=Outcome.READ, busy=frozenset({2}))

    failed, _ = handle([work(1, ONE), work(2, ONE), work(2, ONE)], {ONE: partly})

    assert failed == ["m1", "m2"]


@pytest.mark.parametrize("body", ["", "{", "{}", '{"outbox_id": 1, "chat_id": "x"}'])
def test_a_poisonous_record_fails_alone(handle, body):
    assert handle([body, work(1, ONE)]) == (["m0"], [(ONE, [1])])
