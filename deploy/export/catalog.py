"""The tables of the export, and which of their columns may leave the database."""

from dataclasses import dataclass
from enum import StrEnum

from deploy.export.columns import Column, Kind


class By(StrEnum):
    """How the rows of a table are shared out to files."""

    WHOLE = ""
    MONTH = "month"
    DAY = "day"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the export.

    Attributes:
        name: Its folder in the export.
        sources: Tables of the database whose rows it has together.
        key: Columns that tell its rows apart.
        columns: In the order of the files.
        by: One file for the table, for each month or for each day (UTC).
        keeps: Whether a day stays in the export after retention has emptied it in the
            database. Only for a table without users.
        optional: Whether it is exported only if ``--tables`` names it.
        row_bytes: Of a row in Parquet, about (measured on the data of the benchmark).
    """

    name: str
    sources: tuple[str, ...]
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    by: By = By.WHOLE
    keeps: bool = False
    optional: bool = False
    row_bytes: int = 34


def _plain(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name) for name in names)


def _counts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, kind=Kind.INTEGER) for name in names)


def _length(of: str) -> Column:
    """Make the column that says how long a text is, in bytes of UTF-8."""
    return Column(name=f"{of}_bytes", kind=Kind.BYTES, of=of)


def _private(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name=name, private=True) for name in names)


ID = Column(name="id")
USER = Column(name="user_id", kind=Kind.PERSON)
PROFILE = Column(name="profile_id", kind=Kind.PROFILE)
CREATED = Column(name="created_at", kind=Kind.TIME)

TABLES: tuple[Table, ...] = (
    Table(
        name="conversations",
        sources=("public.conversations",),
        key=("id",),
        columns=(
            *(ID, USER, PROFILE, Column(name="mode")),
            *_counts("turn_count", "last_summary_at_turn"),
            CREATED,
            Column(name="updated_at", kind=Kind.TIME),
            _length("title"),
            *_private("title", "meta"),
        ),
        row_bytes=37,
    ),
    Table(
        name="messages",
        sources=("public.messages", "kiloscale.messages_archive"),
        key=("id",),
        columns=(
            *(ID, *_plain("chat_id", "role", "status", "mode"), USER),
            *_counts("message_number"),
            CREATED,
            _length("text"),
            *_private("text", "user_name", "meta"),
        ),
        by=By.MONTH,
        row_bytes=32,
    ),
    Table(
        name="conversation_summaries",
        sources=("public.conversation_summaries",),
        key=("id",),
        columns=(
            *(ID, *_plain("chat_id", "turn_range"), *_counts("message_count")),
            CREATED,
            _length("summary_text"),
            *_private("summary_text"),
        ),
    ),
    Table(
        name="user_memory",
        sources=("public.user_memory",),
        key=("id",),
        columns=(
            *(ID, USER, PROFILE, *_plain("conversation_id", "source_message_id")),
            Column(name="memory_type"),
            Column(name="confidence_score", kind=Kind.FLOAT),
            *_counts("reference_count"),
            Column(name="last_referenced_at", kind=Kind.TIME),
            Column(name="is_active", kind=Kind.BOOLEAN),
            *(Column(name="origin_mode"), CREATED, _length("memory_text")),
            # The hash is of the text alone: who guesses a memory could check it.
            *_private("memory_text", "canonical_hash", "memory_metadata"),
        ),
        row_bytes=67,
    ),
    Table(
        name="feature_usage",
        sources=("public.feature_usage",),
        key=("user_id",),
        columns=(
            USER,
            *_counts("chat_messages", "images_generated", "therai_calls"),
            *_counts("insights_count"),
            Column(name="last_reset_date", kind=Kind.DATE),
        ),
    ),
    Table(
        name="user_images",
        sources=("public.user_images",),
        key=("id",),
        columns=(
            *(ID, USER, *_plain("chat_id", "model"), CREATED),
            *_private("image_url", "image_path"),  # who has the address has the image
        ),
    ),
    Table(
        name="llm_usage",
        sources=("kiloscale.llm_usage",),
        key=("user_id", "day", "purpose", "model"),
        columns=(
            USER,
            Column(name="day", kind=Kind.DATE),
            *_plain("purpose", "model"),
            *_counts("calls", "input_tokens", "output_tokens", "microusd"),
        ),
    ),
    Table(
        name="edge_function_logs",
        sources=("public.edge_function_logs",),
        key=("id",),
        # Never the event: it may name a user, and these files outlive the user.
        columns=(ID, *_plain("function_name", "level"), CREATED),
        by=By.DAY,
        keeps=True,
        optional=True,
        row_bytes=25,
    ),
)

NAMES = tuple(table.name for table in TABLES)
