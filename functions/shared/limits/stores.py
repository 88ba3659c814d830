"""Make the store that a stack configures, with what holds while it is away."""

from functions.shared.database import Database
from functions.shared.limits import LimitStore
from functions.shared.limits.limiter import Limiter
from functions.shared.limits.memory import MemoryStore
from functions.shared.limits.postgres import PostgresStore


def store(kind: str, *, redis_url: str, database: Database) -> LimitStore:
    """Make a store; nothing is connected and no client imported yet.

    Args:
        kind: One of `LIMIT_STORES`.
        redis_url: Where Redis is, for that kind.
        database: Where ``kiloscale.rate_limits`` is, for that kind.

    Raises:
        ValueError: There is no such kind, or what it needs is missing.
    """
    if kind == "postgres":
        return PostgresStore(database)
    if kind == "memory":
        return MemoryStore()
    if kind == "redis":
        return _redis(redis_url)
    raise ValueError(f"there is no limit store {kind!r}")


def _redis(url: str) -> LimitStore:
    """Make the store in Redis.

    Raises:
        ValueError: It could not work; said at the cold start and not at a request.
    """
    # All here, because most stacks have no Redis.
    from importlib.util import find_spec

    from functions.shared.limits.redis_store import RedisStore

    if not url:
        raise ValueError("LIMIT_STORE is redis, but REDIS_URL is empty")
    if find_spec("redis") is None or find_spec("limits") is None:
        raise ValueError(
            "LIMIT_STORE is redis, but the zip was built without the clients of Redis"
        )
    return RedisStore(url)


def limiter(kind: str, *, redis_url: str, database: Database) -> Limiter:
    """Make a store that goes on by each limit's outage policy; arguments as `store`.

    With the kind ``postgres`` the policy of that name has nothing else to go on with:
    it admits nobody while the database is away.
    """
    instead: dict[str, LimitStore] = {"memory": MemoryStore()}
    if kind != "postgres":
        instead["postgres"] = PostgresStore(database)
    return Limiter(store(kind, redis_url=redis_url, database=database), instead)
