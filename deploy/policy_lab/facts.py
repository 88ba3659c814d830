"""What there was to find in a corpus, and when it was needed."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.policy_lab.conversations import Corpus

Key = tuple[str, str]
"""A person and the name of a fact."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The facts that hold at the end: what was replaced is not to be found.

    Attributes:
        told_at: When each was told first.
        needed_at: When its person next wrote in another conversation, if ever; within
            its own the model sees what was said.
        cluster: What it is resampled with; see `Corpus.clusters`.
        replaced: Facts that do not hold any more, with what replaced them.
    """

    told_at: Mapping[Key, float]
    needed_at: Mapping[Key, float]
    cluster: Mapping[Key, str]
    replaced: Mapping[Key, Key]

    @classmethod
    def of(cls, corpus: Corpus) -> "Facts":
        """Collect them."""
        told_at: dict[Key, float] = {}
        chats: dict[Key, str] = {}
        cluster: dict[Key, str] = {}
        needed_at: dict[Key, float] = {}
        replaced: dict[Key, Key] = {}
        waiting: dict[str, set[Key]] = {}
        for message in corpus.messages:
            if message.role != "user":
                continue
            elsewhere = waiting.setdefault(message.person, set())
            for key in [each for each in elsewhere if chats[each] != message.chat]:
                needed_at[key] = message.at
                elsewhere.discard(key)
            for told in message.told or ():
                key = (message.person, told.fact)
                if key not in told_at:
                    told_at[key], chats[key] = message.at, message.chat
                    cluster[key] = str(getattr(message, corpus.clusters))
                    elsewhere.add(key)
                if told.replaces:
                    replaced[message.person, told.replaces] = key
        for key in replaced:
            told_at.pop(key, None)
        return cls(
            told_at=told_at, needed_at=needed_at, cluster=cluster, replaced=replaced
        )
