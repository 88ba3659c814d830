"""What a configuration value must be. Each check gives what is wrong, or ``None``."""

from urllib.parse import parse_qs, urlsplit

KEY_LENGTH_MIN = 32
"""Bytes of an HS256 key (RFC 7518, 3.2); the same for the key that we ask for."""

POOLER_TRANSACTION_PORT = 6543
"""Supabase docs, "Connect to your database": 5432 on the same host is session mode."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def long_enough(value: str) -> str | None:
    """Refuse a key that could be guessed."""
    if len(value) >= KEY_LENGTH_MIN:
        return None
    return f"must have at least {KEY_LENGTH_MIN} characters, got {len(value)}"


def url(value: str) -> str | None:
    """Refuse what is not a base URL that a function may call."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return f"must be a URL, https://..., got {value}"
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        return f"must be https, got {value}"
    return None


def origin(value: str) -> str | None:
    """Refuse a URL with more than scheme, host and port."""
    if wrong := url(value):
        return wrong
    parts = urlsplit(value)
    if parts.path or parts.query or parts.fragment:
        return f"must end after the host, without a path or slash, got {value}"
    return None


def database(value: str) -> str | None:
    """Refuse a connection URI that cannot work from a function."""
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port or 5432
    except ValueError:
        return "must be a connection URI with a port from 1 to 65535"
    if parts.scheme not in {"postgres", "postgresql"} or not host:
        return "must be a connection URI, postgresql://..."
    if "options" in parse_qs(parts.query):
        return "must not have options=...: a transaction pooler refuses the connection"
    if host.endswith(".pooler.supabase.com") and port != POOLER_TRANSACTION_PORT:
        return (
            f"must use the transaction pooler, port {POOLER_TRANSACTION_PORT}, got"
            f" {port}: there each invocation would hold a connection of its own"
        )
    if host.endswith(".supabase.co"):
        return (
            f"must use the pooler, *.pooler.supabase.com:{POOLER_TRANSACTION_PORT}:"
            " the direct host has IPv6 only, which a function cannot reach"
        )
    return None
