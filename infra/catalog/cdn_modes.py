"""The ways in which a stack may have a CDN."""

NONE = "none"
WORKER_CACHE = "worker-cache"
WORKER_CACHE_API = "worker-cache-api"
CACHE_RULES = "cache-rules"
CLOUDFRONT = "cloudfront"

CDN_MODES = (NONE, WORKER_CACHE, WORKER_CACHE_API, CACHE_RULES, CLOUDFRONT)
WORKER_MODES = frozenset({WORKER_CACHE, WORKER_CACHE_API})
CLOUDFLARE_MODES = WORKER_MODES | {CACHE_RULES}
ZONE_PURGED = frozenset({WORKER_CACHE_API, CACHE_RULES})
"""Those whose copies the zone's purge API forgets, with the right to it."""
