"""A Redis storage of the library `limits` whose windows count only what they admit.

The library's own fixed window adds first and compares then: a voice batch that did not
fit would use the limit up, and nothing could be given back. What remains and when the
window ends would be a second and a third round trip.
"""

import redis
from limits.storage import RedisStorage

# A script is one step for Redis: whatever runs at the same time comes before or after
# it. The key expires with its window. PTTL is negative where there is no key.
HIT = """
local cost, hits_max = tonumber(ARGV[1]), tonumber(ARGV[2])
local left_ms = redis.call('pttl', KEYS[1])
local is_running = left_ms >= 0
local hits = is_running and tonumber(redis.call('get', KEYS[1])) or 0
if not is_running then
    left_ms = tonumber(ARGV[3])
end
if hits + cost > hits_max then
    return {0, hits, left_ms}
end
if is_running then
    redis.call('incrby', KEYS[1], cost)
else
    redis.call('set', KEYS[1], cost, 'px', left_ms)
end
return {1, hits + cost, left_ms}
"""

# DECRBY leaves the time at which the key expires.
GIVE_BACK = """
local hits = tonumber(redis.call('get', KEYS[1]) or '0')
if hits > 0 then
    redis.call('decrby', KEYS[1], math.min(hits, tonumber(ARGV[1])))
end
"""


class Windows(RedisStorage):
    """Fixed windows that start with a key's first hit.

    Args:
        client: Whose connections are used; Valkey speaks the same protocol.
    """

    PREFIX = "kiloscale:limit"

    def __init__(self, client: redis.Redis) -> None:
        super().__init__("redis://", client.connection_pool, key_prefix=self.PREFIX)
        # Sent to the server when it does not know them, also after a restart.
        self._hit = self.storage.register_script(HIT)
        self._give_back = self.storage.register_script(GIVE_BACK)

    def hit(
        self, key: str, *, cost: int, hits_max: int, window_s: int
    ) -> tuple[bool, int, int]:
        """Count some hits, all or none.

        Returns:
            Whether they were counted, the hits of the window then, and the time until
            it ends, in milliseconds.
        """
        is_admitted, hits, left_ms = self._hit(
            [self.prefixed_key(key)], [cost, hits_max, window_s * 1_000]
        )
        return bool(is_admitted), int(hits), int(left_ms)

    def give_back(self, key: str, *, cost: int) -> None:
        """Take back hits of the running window, if one runs."""
        self._give_back([self.prefixed_key(key)], [cost])
