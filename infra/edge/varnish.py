"""The rules as a Varnish configuration (VCL 4.1): first match wins.

For whoever runs Varnish on a server of his own in front of Supabase, by way of
something that speaks TLS to the origin: Varnish does not. It answers as the Worker does
with the Cache API, without a purge path: ``PURGE`` of an address, from loopback alone.
"""

import re
import string
from collections.abc import Iterator, Sequence
from importlib.resources import files

from infra.catalog.cdn import (
    CONTENT_SECURITY_POLICY,
    EDGE_RULES,
    NOT_FOUND_TTL_S,
    QUERY_PARAMETERS,
    STALE_IF_ERROR_S,
    EdgeRule,
)
from infra.edge.names import EMPTY_PART, ENCODED, END

TEMPLATE = "varnish.vcl"
UNRESERVED = string.ascii_letters + string.digits + "-._~"
"""What is the same encoded or not (RFC 3986, 2.3)."""

DOT_SEGMENTS_MAX = 12
"""Steps up that a path may have; VCL knows no loops. One with more is refused."""


def render(
    *,
    origin_host: str,
    backend_host: str,
    backend_port: int,
    rules: Sequence[EdgeRule] = EDGE_RULES,
) -> str:
    """Write the configuration; the same input gives the same text.

    Args:
        origin_host: Host of the Supabase project, sent as ``Host``.
        backend_host: Where Varnish connects to, e.g. a TLS proxy on loopback.
        backend_port: The port there.
        rules: The rules, the most specific first.
    """
    template = string.Template(files("infra.edge").joinpath(TEMPLATE).read_text())
    return template.substitute(
        backend_host=backend_host,
        backend_port=backend_port,
        origin_host=origin_host,
        decode="\n".join(_decode()),
        climb="\n".join(_climb()),
        odd=_odd(),
        rules="\n".join(_rules(rules)),
        query="\n".join(_query()),
        not_found_ttl_s=NOT_FOUND_TTL_S,
        stale_if_error_s=STALE_IF_ERROR_S,
        policy=CONTENT_SECURITY_POLICY,
    )


def _decode() -> Iterator[str]:
    """Decode what is the same encoded or not."""
    for letter in UNRESERVED:
        code = f"(?i)%{ord(letter):02x}"
        yield (
            f'    if (req.http.x-path ~ "{code}") {{ set req.http.x-path ='
            f' regsuball(req.http.x-path, "{code}", "{letter}"); }}'
        )


def _climb() -> Iterator[str]:
    """Take each ``..`` away with what stands before it (RFC 3986, 5.2.4)."""
    for _ in range(DOT_SEGMENTS_MAX):
        yield (
            "    set req.http.x-path = regsub(regsub(req.http.x-path,"
            ' "^(/\\.\\.)+(/|$)", "/"), "/[^/]*/\\.\\.(/|$)", "/");'
        )


def _odd() -> str:
    """Write what no object's name has, as one regular expression."""
    encoded = "|".join(ENCODED)
    return f"{EMPTY_PART}|{END}$|(?i:{encoded})|%(?![0-9A-Fa-f][0-9A-Fa-f])"


def _rules(rules: Sequence[EdgeRule]) -> Iterator[str]:
    """Choose the first rule that matches."""
    for number, rule in enumerate(rules):
        start = re.escape(rule.prefix).replace("\\-", "-")
        end = f".*(?i:{re.escape(rule.suffix)})$" if rule.suffix else ""
        word = "elseif" if number else "if"
        yield f'    {word} (req.http.x-path ~ "^{start}{end}") {{'
        yield f'        set req.http.x-cdn-rule = "{rule.name}";'
        yield f'        set req.http.x-edge-ttl = "{rule.edge_ttl_s}s";'
        yield f'        set req.http.x-browser-ttl = "{rule.browser_ttl_s}";'
        yield "    }"


def _query() -> Iterator[str]:
    """Keep the allowed parameters in a fixed order, each once."""
    for name in sorted(QUERY_PARAMETERS):
        first = (
            f"^[^?]*\\?(?:[^&]*&)*?{re.escape(name)}=([A-Za-z0-9._~-]{{1,64}})(&.*)?$"
        )
        yield f'    if (req.url ~ "{first}") {{'
        yield (
            '        set req.http.x-query = req.http.x-query + "&'
            f'{name}=" + regsub(req.url, "{first}", "\\1");'
        )
        yield "    }"
