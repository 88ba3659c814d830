"""Libraries that only the zips of some stacks have, because they are large."""

from dataclasses import dataclass

from infra.catalog.services import (
    JWKS_CONFIG,
    JWKS_SETTING,
    REDIS_CONFIG,
    REDIS_SETTING,
    Service,
)


@dataclass(frozen=True, kw_only=True)
class Extra:
    """A part of the lock files ``functions/<service>/requirements[-<name>...].lock``.

    Attributes:
        name: Part of the name of the lock file.
        setting: A service that reads it needs the libraries.
        config: Key of the configuration; a stack that has it needs them.
    """

    name: str
    setting: str
    config: str


EXTRAS = (
    # cryptography: 4.4 MB, and half as long an import again.
    Extra(name="jwks", setting=JWKS_SETTING, config=JWKS_CONFIG),
    # redis, and limits where requests are counted: 2.6 MB.
    Extra(name="redis", setting=REDIS_SETTING, config=REDIS_CONFIG),
)
"""In the order of the names in a lock file's."""


def lock_name(service: Service, extras: frozenset[str]) -> str:
    """Give the name of the lock file of a service.

    Args:
        service: Whose.
        extras: What the stack needs, by name; the service may use less of it.

    >>> from infra.catalog.services import CHAT_SEND, RELAY_OUTBOX
    >>> lock_name(CHAT_SEND, frozenset({"redis", "jwks"}))
    'requirements-jwks-redis.lock'
    >>> lock_name(RELAY_OUTBOX, frozenset({"redis"}))
    'requirements.lock'
    """
    used = [
        extra.name
        for extra in EXTRAS
        if extra.name in extras and extra.setting in service.settings
    ]
    return f"{'-'.join(['requirements', *used])}.lock"
