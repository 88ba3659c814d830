"""What of a reading the user told before: a pure function."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from functions.extract_memory.memories import Kept
from functions.extract_memory.similarity import canonical_hash, tells_the_same


class Known(msgspec.Struct, frozen=True):
    """A memory that the user has; one that is not active was taken back."""

    id: UUID
    memory_text: str
    is_active: bool
    source_message_id: UUID | None = None


class Sorted(msgspec.Struct, frozen=True, kw_only=True):
    """The memories of a reading, sorted by what the user has.

    Attributes:
        new: To be saved.
        told_again: Known memories that they tell again, each once.
        taken_back: How many tell, in the same words, what was taken back.
    """

    new: list[Kept]
    told_again: list[UUID]
    taken_back: int


def sort_out(memories: Sequence[Kept], known: Sequence[Known]) -> Sorted:
    """Compare with what the user has: by hash, then by similarity.

    A message that is read a second time does not tell what is known again.

    What was taken back is not saved again in the same words; in others it is, since
    the person said it anew.
    """
    active = {
        canonical_hash(each.memory_text): each for each in known if each.is_active
    }
    others = {canonical_hash(each.memory_text) for each in known if not each.is_active}
    new, told_again, taken_back = [], dict[UUID, None](), 0
    for memory in memories:
        same = active.get(memory.canonical_hash) or next(
            (
                each
                for each in active.values()
                if tells_the_same(memory.memory_text, each.memory_text)
            ),
            None,
        )
        if same is not None:
            is_told = same.source_message_id != memory.source_message_id
            if is_told and not memory.is_second_look:
                told_again[same.id] = None
        elif memory.canonical_hash in others:
            taken_back += 1
        else:
            new.append(memory)
    return Sorted(new=new, told_again=list(told_again), taken_back=taken_back)
