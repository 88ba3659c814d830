"""The SQS queues between the services, and what travels on each."""

from dataclasses import dataclass

DEAD_LETTER_RETENTION_S = 14 * 86_400
"""The longest that SQS keeps a message (Amazon SQS quotas, "Message retention")."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """One standard SQS queue with a dead-letter queue and its one consumer.

    Attributes:
        name: Kebab-case name; the physical name has the project and stack before it.
        topic: ``kiloscale.outbox.topic`` of the rows that go to this queue.
        consumer: Folder of the consuming service below ``functions/``.
        batch_size: Messages handed over in one invocation (1 to 10,000; above 10
            the window must be at least 1 s).
        window_s: Longest wait to fill a batch, in seconds (0 to 300).
        max_receives: Deliveries before a message goes to the dead-letter queue.
        max_concurrency: Simultaneous invocations by this queue (2 to 1,000).
        retention_s: How long an undelivered message stays, in seconds.
    """

    name: str
    topic: str
    consumer: str
    batch_size: int = 10
    window_s: int = 0
    max_receives: int = 5
    max_concurrency: int = 5
    retention_s: int = 4 * 86_400

    def __post_init__(self) -> None:
        """Refuse what CreateEventSourceMapping and CreateQueue would refuse.

        Raises:
            ValueError: A value is out of its range; names the queue and the range.
        """
        for field, low, high in (
            ("batch_size", 1, 10_000),
            ("window_s", 0, 300),
            ("max_receives", 1, 1_000),
            ("max_concurrency", 2, 1_000),
            ("retention_s", 60, DEAD_LETTER_RETENTION_S),
        ):
            value = getattr(self, field)
            if not low <= value <= high:
                raise ValueError(
                    f"queue {self.name}: {field} must be between {low} and {high},"
                    f" got {value}"
                )
        if self.batch_size > 10 and self.window_s < 1:
            raise ValueError(
                f"queue {self.name}: batch_size {self.batch_size} needs window_s >= 1"
            )


LLM_REQUESTS = Queue(
    name="llm-requests",
    topic="llm",
    consumer="llm_handler",
    # One call of a language model fills an invocation: nothing is won by batching,
    # and a slow call would delay its neighbours.
    batch_size=1,
    max_concurrency=10,
)

MEMORY_EXTRACTIONS = Queue(
    name="memory-extractions",
    topic="extraction",
    consumer="extract_memory",
    # One call of the model reads all turns of a conversation that arrive together.
    batch_size=10,
    window_s=10,
    max_concurrency=4,
)

IMAGE_COMPRESSIONS = Queue(
    name="image-compressions",
    topic="images",
    consumer="compress_image",
    # A large image fills an invocation.
    batch_size=1,
    max_concurrency=2,
)

QUEUES: tuple[Queue, ...] = (LLM_REQUESTS, MEMORY_EXTRACTIONS, IMAGE_COMPRESSIONS)
