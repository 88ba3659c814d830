"""The address of a public image at the CDN, in the one spelling that the CDN keeps.

Pure. ``kiloscale.cdn_url_at`` in the database (migration 20251107002200) does the same,
and so does the Worker (infra/edge/worker.js): a test compares all three.
"""

import re
from urllib.parse import quote

import msgspec

PUBLIC = "/storage/v1/object/public/"
"""Where Supabase Storage, and the CDN in front of it, serves public buckets."""

UNQUOTED = "/;,:@&=+$-_.!~*'()"
"""What encodeURI leaves as it is, with which supabase-js writes addresses."""

VERSION = re.compile(r"[A-Za-z0-9._~-]{1,64}")
ATTACHMENT = b"download"
"""With this parameter Supabase sends a file to be saved, which a CDN's copy is not."""

_ADDRESS = re.compile(
    r"(?:(?P<scheme>https?)://(?P<host>[^/?#]*))?(?P<path>/[^?#]*)"
    r"(?:\?(?P<query>[^#]*))?(?P<anchor>#.*)?",
    re.IGNORECASE | re.DOTALL,
)
_STRANGE = re.compile(r"[\x00-\x1f\x7f\\]| $")
_LEADS_ELSEWHERE = re.compile(rb"[\x00-\x1f\x7f\\%/]")
_CODE = re.compile(rb"%([0-9A-Fa-f]{2})")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Cdn(msgspec.Struct, frozen=True, kw_only=True):
    """Where images are served, and which addresses are those of images.

    Attributes:
        base_url: Of the CDN, e.g. ``https://cdn.example.com``; no slash at its end.
        hosts: Hosts whose addresses are replaced, e.g. ``abc.supabase.co``, with the
            port where it is not the scheme's own; the CDN's own host always counts.
        buckets: The public buckets that it serves.
    """

    base_url: str
    hosts: tuple[str, ...]
    buckets: tuple[str, ...]


def cdn_url(url: str, cdn: Cdn, version: str | None = None) -> str:
    """Give the address of a public image at the CDN; any other text as it is.

    Args:
        url: An address of Supabase Storage, of the CDN, or their path from ``/`` on.
        cdn: Where images are served.
        version: Value of ``?v=``; without one, that of the address, if it has one.

    Raises:
        ValueError: ``version`` is nothing that the CDN keeps apart.

    >>> cdn = Cdn(base_url="https://cdn.example.com", hosts=("abc.supabase.co",),
    ...           buckets=("generated-images",))
    >>> cdn_url("https://abc.supabase.co/storage/v1/object/public/generated-images/"
    ...         "a b.png?t=1", cdn, version="2")
    'https://cdn.example.com/storage/v1/object/public/generated-images/a%20b.png?v=2'
    >>> cdn_url("https://elsewhere.example/a.png", cdn)
    'https://elsewhere.example/a.png'
    """
    if version is not None and not VERSION.fullmatch(version):
        raise ValueError(
            f"version must be 1 to 64 of A-Z a-z 0-9 . _ ~ -, got {version!r}"
        )
    found = _ADDRESS.fullmatch(url)
    if not found or _STRANGE.search(url) or not _is_ours(found, cdn):
        return url
    path = canonical_path(found["path"])
    parameters = _parameters(found["query"] or "")
    if path is None or not _is_served(path, cdn.buckets):
        return url
    if any(name == ATTACHMENT for name, _ in parameters):
        return url
    kept = version or _version(parameters)
    query = f"?v={kept}" if kept else ""
    return f"{cdn.base_url}{path}{query}{found['anchor'] or ''}"


def canonical_path(path: str) -> str | None:
    """Give the one spelling of a path; ``None`` if no object can have it.

    >>> canonical_path("/a/caf%c3%a9 %2D.png")
    '/a/caf%C3%A9%20-.png'
    >>> canonical_path("/a/%2e%2e/b"), canonical_path("/a%2Fb"), canonical_path("/a/")
    (None, None, None)
    """
    parts = [_decoded(part) for part in path.split("/")]
    if any(part is None or _LEADS_ELSEWHERE.search(part) for part in parts):
        return None
    plain = [part for part in parts if part is not None]
    if {b"", b".", b".."} & set(plain[1:]):
        return None
    try:
        decoded = b"/".join(plain).decode()
    except UnicodeDecodeError:
        return None
    return quote(decoded, safe=UNQUOTED)


def _is_ours(found: re.Match[str], cdn: Cdn) -> bool:
    """Tell whether an address is of one of the hosts; a path alone is."""
    if found["host"] is None:
        return True
    host = found["host"].lower()
    host = host.removesuffix(_DEFAULT_PORTS[found["scheme"].lower()])
    return host in (*cdn.hosts, cdn.base_url.partition("://")[2])


def _is_served(path: str, buckets: tuple[str, ...]) -> bool:
    return path.startswith(tuple(f"{PUBLIC}{bucket}/" for bucket in buckets))


def _decoded(text: str) -> bytes | None:
    """Decode percent signs; ``None`` where one encodes nothing."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return None
    if b"%" in _CODE.sub(b"", raw):
        return None
    return _CODE.sub(lambda code: bytes([int(code[1], 16)]), raw)


def _parameters(query: str) -> list[tuple[bytes | None, bytes | None]]:
    """Read names and values."""
    pairs = (each.partition("=") for each in query.split("&") if each)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def _version(parameters: list[tuple[bytes | None, bytes | None]]) -> str:
    """Give the first ``v``, if the CDN keeps copies apart by such a value."""
    value = next((value for name, value in parameters if name == b"v"), None) or b""
    text = value.decode("latin-1")
    return text if VERSION.fullmatch(text) else ""
