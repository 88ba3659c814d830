"""The share of users on the local stack: the stand-in is its front.

Looked at for each request, so that a changed share counts at once, as on a real front
within seconds.
"""

from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from deploy import stackfiles
from deploy.deployment import LOCAL
from infra.catalog.front import SHARED, public_services
from infra.front_routing import BUCKETS, Front
from infra.naming import PROJECT

NONE = "none"


class MalformedShareError(ValueError):
    """What the stack's file says about the share cannot be followed."""


def present_base(path: Path | None = None) -> str:
    """Give the base of the functions on the other side; empty where there is none.

    Args:
        path: The stack's file; by default the local stack's own.
    """
    value = _values(path).get(f"{PROJECT}:cutoverFrom", "")
    return "" if value == NONE else value.rstrip("/")


def front(path: Path | None = None) -> Front:
    """Read the share, the names and the other side.

    Args:
        path: The stack's file; by default the local stack's own.

    Raises:
        MalformedShareError: The share is no whole number from 0 to 100.
    """
    raw = _values(path).get(f"{PROJECT}:cutoverPercent", str(BUCKETS))
    if not (raw.isascii() and raw.isdigit() and int(raw) <= BUCKETS):
        raise MalformedShareError(
            f"Pulumi.local.yaml: {PROJECT}:cutoverPercent: must be a whole number from"
            f" 0 to {BUCKETS}, got {raw}"
        )
    base = present_base(path)
    return Front(
        percent=int(raw),
        ours=tuple(public_services()),
        shared=SHARED,
        present=urlsplit(base).path if base else None,
    )


def _values(path: Path | None) -> dict[str, str]:
    """Read the stack's file, where it changed."""
    file = path or stackfiles.path(LOCAL)
    about = file.stat()
    return _read(file, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=1)
def _read(file: Path, changed_ns: int, size: int) -> dict[str, str]:
    """Read a file of which time and size are as given."""
    return stackfiles.of_file(file)
