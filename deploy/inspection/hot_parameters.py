"""Parameters of the hot statements that do not come from a row, and who takes which."""

from collections.abc import Mapping

from deploy.inspection.samples import Sample
from functions.extract_memory import queries as extract_memory
from functions.relay_outbox import queries as relay_outbox


def of_chat(sample: Sample) -> tuple[object, ...]:
    """Give the conversation."""
    return (sample.chat_id,)


def of_user(sample: Sample) -> tuple[object, ...]:
    """Give the user."""
    return (sample.user_id,)


def of_page(sample: Sample) -> Mapping[str, object]:
    """Ask for the page before the newest message."""
    return {
        "chat_id": sample.chat_id,
        "user_id": sample.user_id,
        "created_at": sample.at,
        "id": sample.message_id,
        "messages": 51,
    }


TAKING = {
    "outbox_id": 0,
    "lease_s": 60,
    "history": 20,
    "history_max": 100,
    "history_bytes": 200_000,
    "memories": 20,
    "mature_at": 100,
    "turn_tokens": 8,
    "fixed_microusd": 0,
    "input_usd": 0.0,
    "day_microusd": 0,
}
SAVING: dict[str, object] = {
    "outbox_id": 0,
    "answer_id": None,
    "text": "",
    "meta": "{}",
    "call_id": None,
    "memory_ids": [],
    "turns_max": None,
    "idle_s": None,
    "window": None,
    "model": None,
    "input_tokens": 0,
    "output_tokens": 0,
    "microusd": 0,
}
READING = {
    "outbox_ids": [0],
    "lease_s": 60,
    "scope": "extraction",
    "hits_max": 100,
    "window_s": 86_400,
    "messages": extract_memory.MESSAGES_MAX,
    "context": extract_memory.CONTEXT_MESSAGES,
    "text_max": extract_memory.MESSAGE_TEXT_MAX,
    "answer_text_max": extract_memory.ANSWER_TEXT_MAX,
    "late_s": extract_memory.LATE_S,
}
CLAIMING = {
    "topic": "llm",
    "batch": 10,
    "sends_max": relay_outbox.SENDS_MAX,
    "backoff_s": relay_outbox.BACKOFF_S,
    "backoff_max_s": relay_outbox.BACKOFF_MAX_S,
}
