"""The public keys with which Supabase signs tokens, fetched and kept (RFC 7517)."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
from jwt.algorithms import has_crypto

from functions.shared.environment import Environment

logger = logging.getLogger(__name__)

TTL_S = 600
"""How long a fetched set is used, in seconds; Supabase's own edge keeps it as long."""

REFETCH_S = 30
"""Shortest time between two fetches, in seconds. A token with an unknown key id asks
for one, because the key may be new, and anybody can send such tokens."""

RETRY_S = 5
"""The same while there is no set at all, so that nobody can be let in."""

TIMEOUT_S = 2
"""Longest wait for the connection, and for each part of the answer, in seconds."""

BODY_BYTES_MAX = 64 * 1024
KEYS_MAX = 20
"""More is no key set: Supabase has two or three."""

RSA_BITS_MIN = 2_048
"""Smallest RSA key of a signature (RFC 7518, section 3.3)."""

ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256"}
"""The one algorithm of each kind of key. The kind decides and not the token: a public
key can then never be taken for the secret of an HMAC."""

Keys = Mapping[tuple[str, str], Any]
"""Keys by key id and algorithm."""


class FetchError(Exception):
    """The set was not fetched; ``reason`` is a status, a type or a size."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnavailableError(Exception):
    """No set was ever fetched, so that no token can be checked."""


def fetch(url: str) -> bytes:
    """Get a key set by HTTP; a redirect is an error.

    Raises:
        FetchError: There is no answer, or another one than 200.
    """
    # Here, because only one request in ten minutes needs it.
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_S)
    try:
        query = f"?{parts.query}" if parts.query else ""
        headers = {"accept": "application/json"}
        connection.request("GET", f"{parts.path or '/'}{query}", headers=headers)
        response = connection.getresponse()
        body = response.read(BODY_BYTES_MAX + 1)
    except (OSError, HTTPException) as error:
        raise FetchError(type(error).__name__) from error
    finally:
        connection.close()
    if response.status != 200:
        raise FetchError(f"status {response.status}")
    if len(body) > BODY_BYTES_MAX:
        raise FetchError(f"more than {BODY_BYTES_MAX} bytes")
    return body


def parse(body: bytes) -> Keys:
    """Read a key set; keys that cannot verify a token of ours are left out.

    Raises:
        FetchError: It is no key set.
    """
    try:
        listed = msgspec.json.decode(body, type=dict[str, Any])["keys"]
        entries = msgspec.convert(listed, list[dict[str, Any]])
    except (ValueError, KeyError, RecursionError) as error:
        raise FetchError(f"no key set: {type(error).__name__}") from error
    if len(entries) > KEYS_MAX:
        raise FetchError(f"{len(entries)} keys")
    keys: dict[tuple[str, str], Any] = {}
    for entry in entries:
        kid, algorithm = entry.get("kid"), _algorithm(entry)
        if not isinstance(kid, str) or algorithm is None:
            continue
        key = _load(entry, algorithm)
        if key is not None:
            keys.setdefault((kid, algorithm), key)
    return keys


def _algorithm(entry: Mapping[str, Any]) -> str | None:
    """Give the algorithm of an entry; ``None`` if it verifies no token of ours."""
    curve = entry.get("crv") if entry.get("kty") == "EC" else None
    # `get` of a type that cannot be hashed would raise.
    algorithm = ALGORITHMS.get((str(entry.get("kty")), curve and str(curve)))
    is_public = "d" not in entry
    is_for_signatures = entry.get("use", "sig") == "sig"
    agrees = entry.get("alg", algorithm) == algorithm
    return algorithm if is_public and is_for_signatures and agrees else None


def _load(entry: dict[str, Any], algorithm: str) -> Any:
    """Make the key of an entry; ``None`` if it is damaged or too weak."""
    try:
        key = jwt.PyJWK(entry, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        logger.warning("a key of the key set is damaged")
        return None
    if algorithm == "RS256" and key.key_size < RSA_BITS_MIN:
        logger.warning("a key of the key set is too weak")
        return None
    return key


class KeySet:
    """The keys behind a URL; safe to use from several threads.

    Args:
        url: Address of the key set.
        fetch: Gets it; a test passes a fake.
        clock: Monotonic time in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], bytes] = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Keys | None = None
        self._fetched_at = 0.0
        self._tried_at: float | None = None

    def find(self, kid: str, algorithm: str) -> Any | None:
        """Give the key of an id that is for an algorithm; ``None`` if there is none.

        Raises:
            KeysUnavailableError: No set was ever fetched.
        """
        if self._keys is None:
            self._refresh(wait=True)
        elif self._clock() - self._fetched_at >= TTL_S:
            # Only one thread fetches; the others go on with what there is.
            self._refresh(wait=False)
        if self._keys is not None and (kid, algorithm) not in self._keys:
            # A key that the signer has taken up since. Everybody waits for it: who
            # went on would refuse a good token.
            self._refresh(wait=True)
        if self._keys is None:
            raise KeysUnavailableError
        return self._keys.get((kid, algorithm))

    def _refresh(self, *, wait: bool) -> None:
        """Fetch the set, unless that was tried a moment ago; keep the old if it fails.

        Args:
            wait: Whether to wait for another thread that fetches.
        """
        if not self._lock.acquire(blocking=wait):
            return
        try:
            now = self._clock()
            pause = RETRY_S if self._keys is None else REFETCH_S
            if self._tried_at is not None and now - self._tried_at < pause:
                return
            self._tried_at = now
            self._keys = parse(self._fetch(self._url))
            self._fetched_at = now
        except FetchError as error:
            fields = {"reason": error.reason, "kept": len(self._keys or ())}
            logger.warning("key set not fetched", extra={"fields": fields})
        finally:
            self._lock.release()


def configured(environment: Environment) -> KeySet | None:
    """Give the key set of the environment; ``None`` where there is none."""
    url = environment.text("JWKS_URL")
    if not url:
        return None
    if not has_crypto:
        environment.problem(
            "JWKS_URL is set, but the zip was built without cryptography"
        )
    return KeySet(url)
