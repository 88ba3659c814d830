"""What a configuration value must be. Each check gives what is wrong, or ``None``."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

KEY_LENGTH_MIN = 32
"""Bytes of an HS256 key (RFC 7518, 3.2); the same for the key that we ask for."""

POOLER_TRANSACTION_PORT = 6543
"""Supabase docs, "Connect to your database": 5432 on the same host is session mode."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")

LOCAL = "local"
"""The stack whose webhook may be on this machine."""

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")
"""Enough to tell an address from a name or a list; SNS proves it by a mail."""


_SPACES = "must be one word without spaces"


def long_enough(value: str) -> str | None:
    """Refuse a key that could be guessed."""
    if len(value) >= KEY_LENGTH_MIN:
        return None
    return f"must have at least {KEY_LENGTH_MIN} characters, got {len(value)}"


def one_word(value: str) -> str | None:
    """Refuse a key that was copied with more than itself; it is secret."""
    return None if value.split() == [value] else _SPACES


def issuer(value: str) -> str | None:
    """Refuse what is no ``iss`` of a token."""
    if one_word(value):
        return f"must be one word, as in the tokens' iss, got {value}"
    return None


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


def redis_address(value: str) -> str | None:
    """Refuse what is not the URL of a Redis; it is secret, so never quoted."""
    parts = urlsplit(value)
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname:
        return "must be a URL, rediss://..."
    if parts.scheme == "redis" and parts.hostname not in LOOPBACK:
        return "must be rediss://..., which encrypts: it carries a password"
    return None


def uuid(value: str) -> str | None:
    """Refuse what is not a user's id."""
    if UUID.fullmatch(value):
        return None
    return f"must be a uuid, 8-4-4-4-12 hexadecimal digits, got {value}"


def email(value: str) -> str | None:
    """Refuse what is not one address."""
    if EMAIL.fullmatch(value):
        return None
    return f"must be one email address, got {value}"


def webhook(stack: str) -> Callable[[str], str | None]:
    """Make the check of a URL that SNS posts to; it is secret, so never quoted."""

    def check(value: str) -> str | None:
        parts = urlsplit(value)
        on_this_machine = parts.hostname in LOOPBACK
        if stack == LOCAL and on_this_machine and parts.scheme in {"http", "https"}:
            return None
        if parts.scheme != "https" or not parts.hostname:
            return "must be a URL, https://..."
        if on_this_machine:
            return "must not be on this machine: SNS could not reach it"
        return None

    return check


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


def another_than(primary: str) -> Callable[[str], str | None]:
    """Make the check of a replica's connection URI, by that of the primary."""

    def check(value: str) -> str | None:
        if value == primary:
            return "must be the replica's, got that of databaseUrl: nothing is spared"
        return database(value)

    return check
