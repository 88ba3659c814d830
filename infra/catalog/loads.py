"""What a stack has to carry in a month, by number of users: for the estimate of costs.

The counts at 1,000 users are the scaling plan's ("Expected Results"); more users are
taken to do as much each. What a call takes is assumed, not measured on AWS: the
dashboard shows the real durations after a day.
"""

from dataclasses import dataclass
from typing import Literal

from infra.catalog.services import (
    CHAT_SEND,
    COMPRESS_IMAGE,
    EXTRACT_MEMORY,
    HEALTH_CHECK,
    LLM_HANDLER,
    READ_HISTORY,
    RELAY_OUTBOX,
)

MONTH_S = 730 * 3_600
"""An average month as AWS counts it, in seconds."""

Cause = Literal["llm_requests", "extractions", "images", "other_requests", "schedule"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """One month of an app.

    Attributes:
        users: Registered users.
        llm_requests: Messages that a language model answers.
        extractions: Readings of a conversation for memories.
        images: New images that are made smaller.
        other_requests: All other calls of the app.
        edge_requests: Images and charts that the CDN serves.
        edge_gb: How much these are, in GB.
        notifications: Alarms that begin or end.
    """

    users: int
    llm_requests: int
    extractions: int
    images: int
    other_requests: int
    edge_requests: int
    edge_gb: float
    notifications: int

    def of(self, cause: Cause) -> int:
        """Give how often something is the cause of a call; a schedule has its own."""
        return 0 if cause == "schedule" else int(getattr(self, cause))

    @property
    def app_requests(self) -> int:
        """Calls of the app to the functions: what a front of the API passes on."""
        return self.llm_requests + self.other_requests

    def times(self, factor: int) -> "Load":
        """Give the load of more users who each do the same."""
        return Load(
            users=self.users * factor,
            llm_requests=self.llm_requests * factor,
            extractions=self.extractions * factor,
            images=self.images * factor,
            other_requests=self.other_requests * factor,
            edge_requests=self.edge_requests * factor,
            edge_gb=self.edge_gb * factor,
            notifications=self.notifications,
        )


PLAN = Load(
    users=1_000,
    llm_requests=200_000,
    extractions=90_000,
    # Of the 3 that each user may have a day, a tenth. Assumed.
    images=9_000,
    other_requests=100_000,
    # 600 MB a day (the plan, "CDN Setup"), at 200 kB each.
    edge_requests=91_250,
    edge_gb=18.25,
    notifications=100,
)
LOADS: tuple[Load, ...] = (PLAN, PLAN.times(2), PLAN.times(5))


@dataclass(frozen=True, kw_only=True)
class Use:
    """How a service is used.

    Attributes:
        cause: What calls it, beside its schedule.
        duration_ms: Billed time of one call; assumed.
    """

    cause: Cause
    duration_ms: int


USES: dict[str, Use] = {
    # Each message that is answered was sent first: more than the plan's own count,
    # which leaves these out.
    CHAT_SEND.name: Use(cause="llm_requests", duration_ms=60),
    # Waits for the model.
    LLM_HANDLER.name: Use(cause="llm_requests", duration_ms=3_000),
    EXTRACT_MEMORY.name: Use(cause="extractions", duration_ms=3_000),
    # A megapixel or two, with its AVIF and the transfers.
    COMPRESS_IMAGE.name: Use(cause="images", duration_ms=3_000),
    READ_HISTORY.name: Use(cause="other_requests", duration_ms=60),
    RELAY_OUTBOX.name: Use(cause="schedule", duration_ms=200),
    HEALTH_CHECK.name: Use(cause="schedule", duration_ms=2_000),
}

LOG_BYTES_A_CALL = 1_000
"""Of the functions' own lines; the platform's are off below WARN. Assumed."""

LOG_COMPRESSION = 0.15
"""Share of written logs that is billed as kept (assumed by AWS Pricing Calculator)."""

POLLERS = 5
"""Long polls that Lambda keeps open on a queue without messages. It may go down to two
where a mapping has no maximum concurrency, and ours have one (Lambda developer guide,
"Configuring scaling behavior for SQS event source mappings")."""

POLL_S = 20
"""How long an empty poll lasts, in seconds: the longest that SQS allows; assumed."""

REQUESTS_A_MESSAGE = 3
"""Of SQS: sent, received, deleted."""

METRICS_READ_A_CHECK = 20
"""Metrics that one health check asks CloudWatch for. Assumed."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What one call of a language model takes; assumed.

    Attributes:
        prompt: Tokens of the prompt: history, memories, summary.
        answer: Tokens of the answer.
    """

    prompt: int
    answer: int


ANSWER = Tokens(prompt=2_500, answer=300)
"""Close to the 3,000 tokens a turn of `infra.catalog.limits`."""

EXTRACTION = Tokens(prompt=1_500, answer=150)

THINKING_TOKENS_MAX = 1_024
"""Tokens that the default model may think in each call beside, paid as answer. How many
it takes depends on the question: the estimate gives both ends. The services' own bound
(`functions.shared.providers.gemini`); a test compares."""
