"""What the readers of all formats share."""

from hashlib import blake2b

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"}
)


class LineError(Exception):
    """A line is no request; says why, without what it holds."""


def method(text: str) -> str:
    """Read a method.

    Raises:
        LineError: There is none of this name.
    """
    found = text.upper()
    if found not in METHODS:
        raise LineError("the method is unknown")
    return found


def status(text: object) -> int:
    """Read a status.

    Raises:
        LineError: It is none, or a redirection: what it leads to is asked for as well.
    """
    try:
        found = int(str(text))
    except ValueError as error:
        raise LineError("the status is no number") from error
    if not 100 <= found <= 599:
        raise LineError("the status is not 100 to 599")
    if 300 <= found < 400 and found != 304:
        raise LineError("a redirection")
    return found


def size(text: object) -> int:
    """Read the bytes of an answer; ``-`` is none.

    Raises:
        LineError: It is no number, or negative.
    """
    if str(text) == "-":
        return 0
    try:
        found = int(str(text))
    except ValueError as error:
        raise LineError("the size is no number") from error
    if found < 0:
        raise LineError("the size is negative")
    return found


def target(text: str) -> str:
    """Read path and query; an address loses its scheme and host.

    Raises:
        LineError: It is no path.
    """
    if "://" in text.partition("?")[0]:
        text = "/" + text.partition("://")[2].partition("/")[2]
    if not text.startswith("/"):
        raise LineError("the path does not begin with /")
    return text.partition("#")[0]


def viewer(address: str, agent: str) -> str:
    """Give a name for a browser that does not tell whose it is."""
    digest = blake2b(f"{address}\n{agent}".encode(errors="replace"), digest_size=8)
    return digest.hexdigest()
