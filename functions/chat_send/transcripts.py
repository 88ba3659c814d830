"""Decide what of a voice batch is read for memories."""

from functions.chat_send.messages import ASSISTANT, USER, Utterance, VoiceBatch
from functions.chat_send.queries import Waiting
from functions.shared.extraction_policy import Answered, Policy


def waiting(batch: VoiceBatch, policy: Policy) -> Waiting | None:
    """Count the turns of a batch that a policy wants read.

    The lot of a turn is drawn by the client's id of its last message, which a retry
    repeats. How long the conversation is already is not known before it is written to:
    the batch counts as all of it.

    Returns:
        ``None`` if no turn is to be read.
    """
    readings = []
    first = len(batch.messages)
    for begin, turn in _turns(batch):
        reading = policy(_answered(turn, len(batch.messages)))
        if reading is not None:
            readings.append(reading)
            first = min(first, begin)
    if not readings:
        return None
    last = readings[-1]
    window = last.window
    if window is not None:
        # The reading begins at the end of the batch and must reach the first turn.
        window = max(window, len(batch.messages) - first)
    return Waiting(
        turns=len(readings),
        turns_max=last.turns_max,
        idle_s=last.idle_s,
        window=window,
    )


def _turns(batch: VoiceBatch) -> list[tuple[int, list[Utterance]]]:
    """Cut a batch into turns, each with its place; a turn begins with the user."""
    turns: list[tuple[int, list[Utterance]]] = []
    before = ASSISTANT
    for place, each in enumerate(batch.messages):
        if each.role == USER and before != USER:
            turns.append((place, []))
        if turns:
            turns[-1][1].append(each)
        before = each.role
    return turns


def _answered(turn: list[Utterance], messages: int) -> Answered:
    """Describe a turn to the policy."""
    said = {
        role: "\n".join(each.text for each in turn if each.role == role)
        for role in (USER, ASSISTANT)
    }
    return Answered(
        message_id=turn[-1].client_msg_id,
        asked=said[USER],
        answered=said[ASSISTANT],
        messages=messages,
    )
