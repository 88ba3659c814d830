"""Dead work on a real SQS and a real PostgreSQL: shown, sent again, done once."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from deploy import queue_commands
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.emulator.clients import client
from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY
from deploy.queue_commands import Chosen
from deploy.queues.access import Place
from functions.extract_memory import handler
from functions.extract_memory.conversations import Limit
from functions.extract_memory.extraction import Extractor
from functions.extract_memory.language import Language
from functions.shared.database import SingleConnection
from functions.shared.providers.interface import Completion
from functions.shared.providers.models import Models
from functions.shared.providers.prices import Prices
from infra.catalog.queues import QUEUES
from infra.naming import physical_name

pytestmark = pytest.mark.integration

RECEIVES = 2
VISIBILITY_S = 1


@pytest.fixture(scope="module")
def database_url(cluster) -> Iterator[str]:
    name = "dead_work"
    with cluster.admin() as conn:
        conn.execute(f"CREATE DATABASE {name} TEMPLATE scratch_template OWNER postgres")
    apply(cluster.url(name), discover(REPOSITORY / "migrations"), lambda _: None)
    yield cluster.url(name)
    with cluster.admin() as conn:
        conn.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def sqs(start) -> Any:
    return client(start().stack, "sqs")


@dataclass
class World:
    """The queues, the outbox, and the tasks as a person types them."""

    sqs: Any
    connection: psycopg.Connection[tuple[Any, ...]]
    capsys: Any

    def url(self, name: str) -> str:
        name = physical_name("local", name)
        return self.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def bury(self, queue: str, *bodies: object) -> None:
        """Put letters into a dead-letter queue."""
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            self.sqs.send_message(
                QueueUrl=self.url(f"{queue}-dead-letters"), MessageBody=text
            )

    def count(self, queue: str) -> int:
        found = self.sqs.get_queue_attributes(
            QueueUrl=self.url(queue), AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(found["Attributes"]["ApproximateNumberOfMessages"])

    def is_empty(self, queue: str) -> bool:
        """Whether nothing waits on a queue, nor is being worked on."""
        names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ]
        found = self.sqs.get_queue_attributes(
            QueueUrl=self.url(queue), AttributeNames=names
        )
        return set(found["Attributes"].values()) == {"0"}

    def is_done(self) -> bool:
        """Whether no row waits for its effect."""
        found = self.connection.execute("select count(*) from kiloscale.outbox")
        return found.fetchone() == (0,)

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Take what is on a queue."""
        answer = self.sqs.receive_message(
            QueueUrl=self.url(queue), MaxNumberOfMessages=10
        )
        return [json.loads(each["Body"]) for each in answer.get("Messages", [])]

    def row(self, topic: str, *, dead: bool = False, **columns: object) -> int:
        """Write an outbox row."""
        names = "".join(f", {name}" for name in columns)
        values = "".join(", %s" for _ in columns)
        [number] = self.connection.execute(
            "insert into kiloscale.outbox (topic, key, payload, sends, dead_at,"
            f" last_error{names}) values (%s, %s, %s, 12, %s, 'openai m: 503'{values})"
            " returning id",
            (
                *(topic, "key", json.dumps({"chat_id": "c"})),
                *("now" if dead else None, *columns.values()),
            ),
        ).fetchone()
        return number

    def state(self, number: int) -> tuple[Any, ...] | None:
        """Whether a row is dead, its sends, and whether it is due at once."""
        return self.connection.execute(
            "select dead_at is not null, sends, due_at <= now()"
            " from kiloscale.outbox where id = %s",
            (number,),
        ).fetchone()

    def dead(self, queue: str = "") -> tuple[int, dict[str, Any]]:
        code = queue_commands.dead("local", queue, Output(as_json=True))
        return code, self._checks()

    def replay(
        self, queue: str = "", outbox_id: object = "", *, dry_run: bool = False
    ) -> tuple[int, dict[str, Any]]:
        code = queue_commands.replay(
            "local",
            Chosen(queue=queue, outbox_id=str(outbox_id)),
            Output(as_json=True),
            dry_run=dry_run,
            yes=False,
        )
        return code, self._checks()

    def _checks(self) -> dict[str, Any]:
        report = json.loads(self.capsys.readouterr().out)
        return {
            check["id"].removeprefix("queues."): check for check in report["checks"]
        }


@pytest.fixture
def world(sqs, database_url, monkeypatch, capsys) -> Iterator[World]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        world = World(sqs, connection, capsys)
        _make_queues(sqs)
        monkeypatch.setattr(queue_commands, "_place", _place_of(world))
        yield world
        connection.execute("truncate kiloscale.outbox, public.conversations cascade")


def _make_queues(sqs: Any) -> None:
    for queue in QUEUES:
        for name in (queue.name, f"{queue.name}-dead-letters"):
            sqs.create_queue(QueueName=physical_name("local", name))
            url = sqs.get_queue_url(QueueName=physical_name("local", name))["QueueUrl"]
            sqs.purge_queue(QueueUrl=url)


def _place_of(world: World) -> Callable[..., Any]:
    @contextmanager
    def place(deployment: Deployment, doing: str) -> Iterator[Place]:
        yield Place(deployment=deployment, connection=world.connection, sqs=world.sqs)

    return place


def test_nothing_is_dead(world):
    code, checks = world.dead()

    assert code == 0
    assert {name: check["title"] for name, check in checks.items()} == dict.fromkeys(
        (
            "llm-requests",
            "memory-extractions",
            "image-compressions",
            "realtime",
            "cdn-purge",
        ),
        "nothing is dead",
    )


def test_what_is_dead_is_shown_without_a_word_of_it_and_stays(world):
    dead, waits = world.row("llm", dead=True), world.row("llm")
    secret = "my secret thought"
    world.bury(
        "llm-requests",
        {"outbox_id": waits, "text": secret},
        {"outbox_id": waits},
        {"outbox_id": 10**12},
        f"{{{secret}",
        "[]",
    )
    world.row("realtime", dead=True)

    (code, first), (_, again) = world.dead(), world.dead()

    llm = first["llm-requests"]
    assert code == 7
    assert (llm["status"], first["memory-extractions"]["status"]) == ("fail", "pass")
    assert llm["title"] == (
        "1 dead row, 5 dead letters, 1 of them done meanwhile, 2 of them malformed,"
        " oldest 0 s"
    )
    works = {each["outbox_id"]: each for each in llm["evidence"]["works"]}
    assert {number: works[number]["row"] for number in works} == {
        dead: "dead",
        waits: "waits",
        10**12: "gone",
    }
    assert works[waits] | {"age_s": 0, "receives": 1} == {
        "outbox_id": waits,
        "row": "waits",
        "age_s": 0,
        "letters": 2,
        "receives": 1,
        "sends": 12,
        "reason": "openai m: 503",
    }
    assert len(llm["evidence"]["malformed"]) == 2
    assert secret not in json.dumps(first)
    assert again["llm-requests"]["title"] == llm["title"]
    assert first["realtime"]["evidence"]["dead_rows"] == 1


def test_a_dry_run_changes_nothing(world):
    dead = world.row("llm", dead=True)
    world.bury("llm-requests", {"outbox_id": dead})

    code, checks = world.replay(dry_run=True)

    assert (code, world.count("llm-requests-dead-letters")) == (0, 1)
    assert checks["llm-requests"]["title"] == (
        "would send 1 row again, 1 letter cleared"
    )
    assert world.state(dead) == (True, 12, False)
    assert world.messages("llm-requests") == []


def test_dead_work_is_sent_again_once_and_its_letters_go(world):
    dead, waits = world.row("llm", dead=True), world.row("llm")
    event = world.row("realtime", dead=True)
    world.bury(
        "llm-requests",
        {"outbox_id": waits},
        {"outbox_id": waits},
        {"outbox_id": 999},
        "{",
    )

    code, checks = world.replay()
    sent = world.messages("llm-requests")
    _, again = world.replay()

    llm = checks["llm-requests"]
    assert (code, llm["status"]) == (0, "warn")
    assert llm["title"] == (
        "sent 2 rows again, 3 letters cleared (1 of work that was done meanwhile),"
        " 1 malformed left"
    )
    assert sorted(body["outbox_id"] for body in sent) == [dead, waits]
    assert {body["chat_id"] for body in sent} == {"c"}
    assert (world.state(dead), world.state(waits)) == ((False, 0, False),) * 2
    # Nothing but the relay takes these.
    assert world.state(event) == (False, 0, True)
    assert world.count("llm-requests-dead-letters") == 1
    assert again["llm-requests"]["evidence"]["rows_revived"] == 0
    assert world.messages("llm-requests") == []


def test_one_work_is_sent_again_and_the_others_stay(world):
    one, two = world.row("llm", dead=True), world.row("llm", dead=True)
    world.bury("llm-requests", {"outbox_id": one}, {"outbox_id": two})

    world.replay("llm-requests", one)

    assert (world.state(one)[0], world.state(two)[0]) == (False, True)
    assert world.count("llm-requests-dead-letters") == 1


def test_what_is_being_worked_on_or_not_due_is_left_to_itself(world):
    works = world.row("llm", leased_until="infinity")
    later = world.row("llm", ready_at="infinity")
    world.bury("llm-requests", {"outbox_id": works}, {"outbox_id": later})

    world.replay()

    assert world.messages("llm-requests") == []
    assert (world.state(works)[1], world.state(later)[1]) == (12, 12)
    assert world.count("llm-requests-dead-letters") == 0


def test_many_letters_are_read_and_cleared(world):
    rows = [world.row("llm") for _ in range(23)]
    world.bury("llm-requests", *({"outbox_id": number} for number in rows))

    _, checks = world.replay("llm-requests")

    assert checks["llm-requests"]["evidence"]["letters_deleted"] == 23
    assert world.count("llm-requests") == 23


def test_a_queue_that_was_never_deployed_is_said_and_rows_are_revived(world):
    dead = world.row("extraction", dead=True)
    for name in ("memory-extractions", "memory-extractions-dead-letters"):
        world.sqs.delete_queue(QueueUrl=world.url(name))

    _, shown = world.dead("memory-extractions")
    _, checks = world.replay("memory-extractions")

    assert "it was never deployed" in shown["memory-extractions"]["title"]
    assert checks["memory-extractions"]["title"] == (
        "sent 1 row again, 0 letters cleared; 1 with the relay's next sweep"
    )
    assert world.state(dead) == (False, 0, True)


MEMORY = json.dumps(
    [
        {
            "source": 1,
            "memory_text": "Keeps bees on the roof.",
            "memory_type": "fact",
            "confidence": 0.9,
            "value": 0.9,
            "horizon_days": 365,
        }
    ]
)


class GarbageModel:
    """Answers with garbage until it is mended."""

    def __init__(self) -> None:
        self.text = "<html>upstream"

    def complete(self, model: str, prompt: Any, timeout_s: float) -> Completion:
        return Completion(text=self.text, model=model)


class NoRow:
    def get(self) -> None:
        return None

    def invalidate(self) -> None:
        pass


class Quiet:
    def write(self) -> None:
        pass

    def get_remaining_time_in_millis(self) -> int:
        return 50_000


@pytest.fixture
def model(database_url, monkeypatch) -> Iterator[GarbageModel]:
    """extract_memory's handler with a model of this test."""
    model = GarbageModel()
    database = SingleConnection(database_url, "extract_memory")
    language = Language(
        models=Models({"gemini": lambda: model}, sleep=lambda _: None),
        configs=NoRow(),
        prices=Prices({"*": (0.0, 0.0)}),
    )
    service = Extractor(database, language, Limit(100, 86_400))
    monkeypatch.setattr(handler, "_service", lambda: (service, Quiet()))
    yield model
    database.close()


def consume(world: World, *, until: Callable[[], object], dies: bool = False) -> int:
    """Be the event source mapping until something holds; give the deliveries.

    One that dies has done its work, and acknowledges nothing.
    """
    url, deliveries = world.url("memory-extractions"), 0
    end = time.monotonic() + 20
    while not until():
        assert time.monotonic() < end, "waited for 20 s in vain"
        answer = world.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        found = answer.get("Messages", [])
        if not found:
            time.sleep(0.05)
            continue
        records = [
            {"messageId": each["MessageId"], "body": each["Body"]} for each in found
        ]
        response = handler.handle({"Records": records}, Quiet())
        failed = {each["itemIdentifier"] for each in response["batchItemFailures"]}
        deliveries += len(found)
        for each in found:
            if each["MessageId"] not in failed and not dies:
                world.sqs.delete_message(
                    QueueUrl=url, ReceiptHandle=each["ReceiptHandle"]
                )
    return deliveries


def say(world: World) -> UUID:
    """Save a turn whose row asks to be read at once."""
    user, chat, said = uuid4(), uuid4(), uuid4()
    execute = world.connection.execute
    execute("insert into auth.users (id, email) values (%s, %s)", (user, f"{user}@x.x"))
    execute(
        "insert into public.conversations (id, user_id, title) values (%s, %s, 't')",
        (chat, user),
    )
    execute(
        "insert into public.messages (id, chat_id, role, text, status, user_id)"
        " values (%s, %s, 'user', 'I keep bees.', 'complete', %s)",
        (said, chat, user),
    )
    [row] = execute(
        "select kiloscale.defer_extraction(%s, %s, %s, 1, 1, 0)", (chat, user, said)
    ).fetchone()
    world.sqs.send_message(
        QueueUrl=world.url("memory-extractions"),
        MessageBody=json.dumps({"outbox_id": row, "chat_id": str(chat)}),
    )
    return chat


def redrive(world: World) -> None:
    """Let messages fail quickly."""
    dead_url = world.url("memory-extractions-dead-letters")
    arn = world.sqs.get_queue_attributes(
        QueueUrl=dead_url, AttributeNames=["QueueArn"]
    )["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": RECEIVES})
    world.sqs.set_queue_attributes(
        QueueUrl=world.url("memory-extractions"),
        Attributes={"RedrivePolicy": policy, "VisibilityTimeout": str(VISIBILITY_S)},
    )


def test_a_consumer_that_dies_before_it_acknowledges_has_its_effect_once(world, model):
    redrive(world)
    model.text = MEMORY
    chat = say(world)

    died = consume(world, until=world.is_done, dies=True)
    after = consume(world, until=lambda: world.is_empty("memory-extractions"))

    assert (died, after) == (1, 1)
    assert world.connection.execute(
        "select count(*) from public.user_memory where conversation_id = %s", (chat,)
    ).fetchone() == (1,)
    assert world.count("memory-extractions") == 0


def test_garbage_ends_in_the_dead_letters_and_a_replay_makes_one_memory(world, model):
    redrive(world)
    chat = say(world)

    deliveries = consume(
        world, until=lambda: world.count("memory-extractions-dead-letters")
    )
    code, shown = world.dead("memory-extractions")
    model.text = MEMORY
    _, replayed = world.replay("memory-extractions")
    again, _ = world.replay("memory-extractions")
    after = consume(world, until=lambda: world.is_empty("memory-extractions"))

    [work] = shown["memory-extractions"]["evidence"]["works"]
    assert (deliveries, code, work["row"], work["letters"]) == (RECEIVES, 7, "waits", 1)
    assert work["reason"] == "answer: not JSON"
    assert replayed["memory-extractions"]["evidence"]["rows_sent"] == 1
    assert (again, after) == (0, 1)
    assert world.connection.execute(
        "select memory_text from public.user_memory where conversation_id = %s", (chat,)
    ).fetchall() == [("Keeps bees on the roof.",)]
    assert world.dead()[0] == 0
