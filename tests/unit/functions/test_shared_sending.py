"""Sending to SQS: best effort for one message, reasons for each of a batch."""

import json

from functions.shared.queues import Queue, Refusal


class FakeSqs:
    """Remembers requests; answers or fails as it is told."""

    def __init__(self, answer: dict | Exception) -> None:
        self.answer = answer
        self.requests: list[dict] = []

    def send_message(self, **request: object) -> dict:
        return self._take(request)

    def send_message_batch(self, **request: object) -> dict:
        return self._take(request)

    def _take(self, request: dict) -> dict:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def queue(answer: dict | Exception) -> tuple[Queue, FakeSqs]:
    made, sqs = Queue("https://sqs.test/llm"), FakeSqs(answer)
    made._client = sqs
    return made, sqs


def test_a_message_is_sent_as_json():
    made, sqs = queue({})

    assert made.send({"outbox_id": 7})
    assert sqs.requests[0]["QueueUrl"] == "https://sqs.test/llm"
    assert json.loads(sqs.requests[0]["MessageBody"]) == {"outbox_id": 7}


def test_a_failed_send_is_no_error():
    made, _ = queue(ConnectionError("away"))

    assert made.send({"outbox_id": 7}) is False


def test_a_batch_tells_passing_refusals_from_permanent_ones():
    failed = [
        {"Id": "1", "Code": "Busy", "SenderFault": False},
        {"Id": "2", "Code": "TooLong", "SenderFault": True},
    ]
    made, _ = queue({"Successful": [{"Id": "3"}], "Failed": failed})

    refusals = made.send_batch({1: b"{}", 2: b"{}", 3: b"{}"})

    assert refusals == {
        1: Refusal("Busy", is_permanent=False),
        2: Refusal("TooLong", is_permanent=True),
    }


def test_a_batch_that_fails_whole_refuses_every_message_for_now():
    made, _ = queue(ConnectionError("away"))

    refusals = made.send_batch({1: b"{}", 2: b"{}"})

    assert refusals == dict.fromkeys(
        (1, 2), Refusal("ConnectionError", is_permanent=False)
    )
