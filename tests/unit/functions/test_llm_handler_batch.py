"""llm_handler's partial batch response: what SQS may forget and what it keeps."""

import json

import pytest

from functions.llm_handler import handler
from functions.llm_handler.answers import Outcome
from functions.shared.providers.interface import ProviderError


class FakeContext:
    def get_remaining_time_in_millis(self) -> int:
        return 50_000


class FakeMetrics:
    def write(self) -> None:
        pass


class FakeAnswerer:
    """Gives the outcome of each row, or raises it."""

    def __init__(self, outcomes: dict) -> None:
        self.outcomes = outcomes
        self.left_s: list[float] = []

    def answer(self, outbox_id, left_s):
        self.left_s.append(left_s())
        outcome = self.outcomes[outbox_id]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.fixture
def handle(monkeypatch):
    def handle(outcomes: dict, bodies: list[str]) -> list[str]:
        service = FakeAnswerer(outcomes)
        monkeypatch.setattr(handler, "_service", lambda: (service, FakeMetrics()))
        records = [
            {"messageId": f"m{number}", "body": body}
            for number, body in enumerate(bodies)
        ]
        response = handler.handle({"Records": records}, FakeContext())
        assert all(left == 50.0 for left in service.left_s)
        return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]

    return handle


def test_each_record_fails_or_succeeds_by_itself(handle):
    outcomes = {
        1: Outcome.ANSWERED,
        2: Outcome.DONE_BEFORE,
        3: Outcome.VOID,
        4: Outcome.LEASED,
        5: ProviderError("503", is_transient=True),
        6: RuntimeError("a defect"),
        7: Outcome.REFUSED,
        8: Outcome.BUSY,
    }
    bodies = [json.dumps({"outbox_id": number, "more": 1}) for number in outcomes]

    assert handle(outcomes, bodies) == ["m3", "m4", "m5", "m7"]


@pytest.mark.parametrize("body", ["", "{", "{}", '{"outbox_id": "x"}'])
def test_a_poisonous_record_fails_alone(handle, body):
    good = json.dumps({"outbox_id": 1})

    assert handle({1: Outcome.ANSWERED}, [body, good]) == ["m0"]
