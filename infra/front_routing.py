"""Which side answers a request: the reference for ``infra/edge/routing.js``.

The share is of users: a user's bucket is the first 4 bytes of the SHA-256 of their id,
modulo 100, and buckets below the share are ours. A user never changes sides while the
share stays, and never leaves ours while it grows.
"""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum

PATH = re.compile(
    r"/functions/v1/([A-Za-z0-9_-]{1,64})"
    r"((?:/[A-Za-z0-9_~%-][A-Za-z0-9._~%:@-]*)*/?)"
)
ENCODED = re.compile(r"%(?:2e|2f|5c|25|00)", re.IGNORECASE)
"""A dot, a slash, a backslash, a percent sign or a null, encoded: another server may
read another path out of them."""

PATH_MAX = 1024
BEARER = re.compile(
    r"bearer +[A-Za-z0-9_-]{1,2048}\.([A-Za-z0-9_-]{1,4096})\.[A-Za-z0-9_-]{0,2048}",
    re.IGNORECASE | re.ASCII,
)
SUBJECT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
UPPER_TO_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

BUCKETS = 100


class Side(StrEnum):
    """Who answers."""

    OURS = "ours"
    PRESENT = "present"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Front:
    """What the decision depends on, besides the request.

    Attributes:
        percent: Share of users whose requests of shared names are ours (0 to 100).
        ours: Names of our functions.
        shared: Those of them that the present functions have as well.
        present: Path of the present functions' base, without a slash at the end;
            ``None`` where there are none.
    """

    percent: int
    ours: tuple[str, ...]
    shared: tuple[str, ...]
    present: str | None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who answers one request.

    Attributes:
        side: The side.
        name: Name of the function; empty where the path has none.
        path: Path on that side.
    """

    side: Side
    name: str
    path: str


def decide(path: str, authorization: str, front: Front) -> Decision:
    """Say which side answers a request.

    Args:
        path: Path of its URL, as it was sent.
        authorization: Its header of that name; empty for none.
        front: The share and the names.
    """
    found = PATH.fullmatch(path) if len(path) <= PATH_MAX else None
    if not found or ENCODED.search(path):
        return Decision(side=Side.NONE, name="", path=path)
    name, rest = found.groups()
    if _is_ours(name, authorization, front):
        return Decision(side=Side.OURS, name=name, path=path)
    if front.present is None:
        return Decision(side=Side.NONE, name=name, path=path)
    return Decision(side=Side.PRESENT, name=name, path=f"{front.present}/{name}{rest}")


def _is_ours(name: str, authorization: str, front: Front) -> bool:
    """Tell whether a request of this name is ours."""
    if name not in front.ours:
        return False
    if name not in front.shared or front.percent >= BUCKETS:
        return True
    subject = subject_of(authorization)
    # Who cannot be told to be a user of ours stays where they were.
    return subject is not None and bucket_of(subject) < front.percent


def subject_of(authorization: str) -> str | None:
    """Read the user's id out of a bearer token, without verifying it.

    Gives ``None`` for what is no token of a user: a key of the app's backend or of
    Supabase, a preflight, anything malformed.
    """
    found = BEARER.fullmatch(authorization)
    if not found:
        return None
    payload = found[1]
    try:
        raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        claims = json.loads(raw.decode(errors="replace"), parse_constant=_refuse)
    except (binascii.Error, ValueError, RecursionError):
        return None
    subject = claims.get("sub") if isinstance(claims, dict) else None
    if not isinstance(subject, str):
        return None
    subject = subject.translate(UPPER_TO_LOWER)
    return subject if SUBJECT.fullmatch(subject) else None


def bucket_of(subject: str) -> int:
    """Give a user's bucket.

    >>> bucket_of("00000000-0000-4000-8000-000000000001")
    48

    Args:
        subject: The user's id, a UUID in lower case.
    """
    digest = hashlib.sha256(subject.encode()).digest()
    return int.from_bytes(digest[:4]) % BUCKETS


def _refuse(constant: str) -> float:
    """Refuse ``NaN`` and ``Infinity``, which are no JSON."""
    raise ValueError(constant)
