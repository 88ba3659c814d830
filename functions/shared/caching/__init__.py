"""Caches for what is read often and changes seldom.

Each environment has its own; `llm_config.LlmConfigs` shares its one row through Redis
as well. Nothing here is a source of truth: a value may be as old as its lifetime says,
so a cache never decides what is counted, and never alone who may read what.
"""

from functions.shared.caching.cache import APP, Cache, Counts, Fresh, Key, Lifetime
from functions.shared.caching.metrics import CacheMetrics

__all__ = ["APP", "Cache", "CacheMetrics", "Counts", "Fresh", "Key", "Lifetime"]
