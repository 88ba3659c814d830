"""The threads of the outbox worker: each row once, no more at a time than there are."""

import threading

from functions.extract_memory.extraction import Extraction, Outcome
from functions.outbox_consumers import Crew, ExtractionConsumer
from functions.relay_outbox.queries import Row


def test_a_row_that_is_being_worked_on_is_not_begun_again():
    crew, done, gate = Crew("test", 2), [], threading.Event()

    def work() -> None:
        gate.wait(5)
        done.append(1)

    crew.begin([1, 2], work)
    crew.begin([2], work)
    gate.set()
    crew.close()

    assert (done, crew.rows, crew.room) == ([1], [], 2)


def test_whoever_begins_more_waits_for_a_thread():
    crew, gate, begun = Crew("test", 1), threading.Event(), []
    crew.begin([1], lambda: gate.wait(5) and None)

    other = threading.Thread(
        target=lambda: (crew.begin([2], lambda: None), begun.append(2))
    )
    other.start()
    other.join(0.05)
    waited = not begun
    gate.set()
    other.join(5)
    crew.close()

    assert (waited, begun) == (True, [2])


def test_a_work_that_raises_gives_its_rows_back():
    crew = Crew("test", 1)

    crew.begin([1], lambda: 1 / 0)
    crew.wait(5)
    crew.close()

    assert crew.room == 1


class FakeExtractor:
    def __init__(self) -> None:
        self.read: list[tuple] = []

    def extract(self, chat_id, outbox_ids, left_s):
        self.read.append((str(chat_id)[-1], outbox_ids))
        if str(chat_id).endswith("2"):
            raise RuntimeError("a defect")
        return Extraction(outcome=Outcome.READ)


def test_the_rows_of_a_conversation_are_read_together_and_poison_fails_alone():
    service = FakeExtractor()
    consumer = ExtractionConsumer(service)
    chats = [f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 2)]
    keys = [chats[0], "not an id", chats[1], chats[0]]

    failures = consumer.carry([Row(number, key, {}) for number, key in enumerate(keys)])
    consumer.crew.close()

    assert failures == {}
    assert sorted(service.read) == [("1", [0, 3]), ("2", [2])]
