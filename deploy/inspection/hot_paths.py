"""The statements that run for each message or page, and what each may cost.

The services' are imported from where they stand; the app's are in `plan_statements`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deploy.inspection import hot_parameters as parameters
from deploy.inspection import plan_statements as plan
from deploy.inspection.samples import Sample
from functions.chat_send import queries as chat_send
from functions.extract_memory import effects, statements
from functions.extract_memory import queries as extract_memory
from functions.health_check import queries as health_check
from functions.llm_handler import statements as llm_handler
from functions.llm_handler.take_statement import TAKE
from functions.read_history import queries as read_history
from functions.relay_outbox import queries as relay_outbox

LARGE = (
    "messages",
    "conversations",
    "conversation_activity",
    "conversation_caches",
    "conversation_summaries",
    "user_memory",
)
"""Tables that grow with the app: no hot statement may read one of them as a whole."""

PAGES_OF_MEMORIES = 4_000
"""What all memories of a user may touch: each lies in a page of its own, and the user
with the most of 1,000 has 2,000 after ten months of the demo."""


@dataclass(frozen=True, kw_only=True)
class HotPath:
    """One statement and its budget.

    Attributes:
        name: Name for ``--explain``.
        of: Whose it is: the plan's, or a service of ours.
        statement: With parameters by name, or one by place.
        sample: Which rows it is tried with: a field of `Samples`.
        parameters: Makes its parameters of a sample.
        budget_ms: What it may take, warm.
        budget_pages: Pages of 8 kB that it may touch.
        writes: Whether it changes rows: then its plan is read and it is never run.
        fixed: Parameters that do not depend on a sample.
    """

    name: str
    of: str
    statement: str
    sample: str
    parameters: Callable[[Sample], Mapping[str, object] | tuple[object, ...]] = vars
    budget_ms: float = 5.0
    budget_pages: int = 100
    writes: bool = False
    fixed: Mapping[str, object] = field(default_factory=dict)

    def values(self, sample: Sample) -> Mapping[str, object] | tuple[object, ...]:
        """Give its parameters for a sample."""
        values = self.parameters(sample)
        return values if isinstance(values, tuple) else {**self.fixed, **values}


HOT_PATHS = (
    HotPath(
        name="conversation-list",
        of="the plan",
        statement=plan.CONVERSATION_LIST,
        sample="lister",
    ),
    HotPath(
        name="memories",
        of="the plan",
        statement=plan.MEMORIES,
        sample="rememberer",
        budget_ms=20.0,
        budget_pages=PAGES_OF_MEMORIES,
    ),
    HotPath(name="cache", of="the plan", statement=plan.CACHE, sample="longest"),
    HotPath(
        name="latest-summary",
        of="the plan",
        statement=plan.LATEST_SUMMARY,
        sample="longest",
    ),
    HotPath(
        name="memory-window",
        of="the plan",
        statement=plan.MEMORY_WINDOW,
        sample="longest",
    ),
    HotPath(
        name="message-count",
        of="the plan",
        statement=plan.MESSAGE_COUNT,
        sample="longest",
        budget_ms=50.0,
        budget_pages=20_000,
    ),
    HotPath(
        name="user-deletion",
        of="the plan",
        statement=plan.DELETED_USER,
        sample="rememberer",
        budget_ms=20.0,
        budget_pages=PAGES_OF_MEMORIES,
    ),
    HotPath(name="retry", of="chat_send", statement=plan.RETRY, sample="longest"),
    HotPath(
        name="owner",
        of="chat_send",
        statement=chat_send.OWNER,
        sample="typical",
        parameters=parameters.of_chat,
    ),
    HotPath(
        name="history-page",
        of="read_history",
        statement=read_history.PAGE,
        sample="longest",
        parameters=parameters.of_page,
        budget_pages=250,
    ),
    HotPath(
        name="typical-page",
        of="read_history",
        statement=read_history.PAGE,
        sample="typical",
        parameters=parameters.of_page,
        budget_pages=250,
    ),
    HotPath(
        name="profile",
        of="read_history",
        statement=read_history.SUBSCRIPTION,
        sample="typical",
        parameters=parameters.of_user,
    ),
    HotPath(
        name="history-reach",
        of="llm_handler",
        statement=plan.HISTORY_REACH,
        sample="longest",
        budget_pages=250,
    ),
    HotPath(
        name="take-answer",
        of="llm_handler",
        statement=TAKE,
        sample="longest",
        fixed=parameters.TAKING,
        parameters=lambda sample: {},
        writes=True,
    ),
    HotPath(
        name="save-answer",
        of="llm_handler",
        statement=llm_handler.SAVE_AND_ENQUEUE,
        sample="longest",
        fixed=parameters.SAVING,
        writes=True,
    ),
    HotPath(
        name="take-reading",
        of="extract_memory",
        statement=statements.TAKE,
        sample="longest",
        fixed=parameters.READING,
        writes=True,
    ),
    HotPath(
        name="known-memories",
        of="extract_memory",
        statement=effects.KNOWN,
        sample="rememberer",
        fixed={"known": extract_memory.KNOWN_MAX},
        budget_ms=20.0,
        budget_pages=PAGES_OF_MEMORIES,
    ),
    HotPath(
        name="claim",
        of="relay_outbox",
        statement=relay_outbox.CLAIM,
        sample="typical",
        fixed=parameters.CLAIMING,
        writes=True,
    ),
    HotPath(
        name="outbox-waits",
        of="health_check",
        statement=health_check.OUTBOX,
        sample="typical",
        parameters=lambda sample: {},
        budget_ms=20.0,
        budget_pages=2_000,
    ),
)
