"""How old what the services remember may be."""

from dataclasses import dataclass

MINUTE_S = 60


@dataclass(frozen=True, kw_only=True)
class CacheLifetime:
    """The lifetime of a cache; each environment of a function has its own.

    Attributes:
        name: Gives the setting ``CACHE_<NAME>_S``.
        lifetime_s: How long a value is kept, in seconds.
    """

    name: str
    lifetime_s: int


# Values of the scaling plan ("Add Caching Layer").
CONVERSATION = CacheLifetime(name="conversation", lifetime_s=5 * MINUTE_S)
SUBSCRIPTION = CacheLifetime(name="subscription", lifetime_s=10 * MINUTE_S)
USAGE = CacheLifetime(name="usage", lifetime_s=MINUTE_S)
LLM_CONFIG = CacheLifetime(name="llm_config", lifetime_s=10 * MINUTE_S)

ABSENT = CacheLifetime(name="absent", lifetime_s=MINUTE_S)
"""How long the news that there is no such row is kept: short, since a new conversation
is read soon after it was made."""

CACHE_LIFETIMES: tuple[CacheLifetime, ...] = (
    CONVERSATION,
    SUBSCRIPTION,
    USAGE,
    LLM_CONFIG,
    ABSENT,
)
