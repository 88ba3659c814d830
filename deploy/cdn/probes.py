"""Objects with which a CDN is proved: uploaded for it, or named by the operator."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx

from deploy.cdn.site import Site
from deploy.errors import DeployError, UsageError
from infra.catalog.cdn import EDGE_RULES, PUBLIC_BUCKETS, PUBLIC_PATH, EdgeRule

TIMEOUT_S = 30.0
PLAIN = "/!*'()&$@=;:+,"
"""Characters beside letters that the Worker's spelling of a path leaves as they are."""

PREFIX = "kiloscale-probe-"
KINDS = {".svg": "image/svg+xml"}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c02"
    "0000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082"
)
"""The smallest images that browsers show: one empty point each."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """An object in a public bucket, and the rule that covers it.

    Attributes:
        rule: The rule.
        name: Name of the object in its bucket.
        query: What makes its copies new ones, e.g. ``?v=3f``; empty if it is new.
    """

    rule: EdgeRule
    name: str
    query: str = ""

    @property
    def path(self) -> str:
        """Path of its URL, without a query."""
        return self.rule.prefix + quote(self.name, safe=PLAIN)

    @property
    def target(self) -> str:
        """Path and query of its URL."""
        return self.path + self.query


@dataclass
class Uploads:
    """What was uploaded.

    Attributes:
        probes: The objects, one for each rule.
        left: Those that could not be deleted, as ``bucket/name``.
    """

    probes: list[Probe] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def named(objects: Sequence[str]) -> list[Probe]:
    """Give probes of objects that exist, written ``bucket/name``.

    Raises:
        UsageError: No rule covers one of them.
    """
    token = secrets.token_hex(6)
    found = []
    for each in objects:
        bucket, _, name = each.strip().lstrip("/").partition("/")
        rule = rule_of(f"{PUBLIC_PATH}{bucket}/{name}") if name else None
        if rule is None:
            raise UsageError(
                f"--object {each!r}: must be <bucket>/<name> in one of"
                f" {', '.join(PUBLIC_BUCKETS)}; nothing was asked",
                remedy="./bootstrap cdn.verify --object generated-images/<name>",
            )
        found.append(Probe(rule=rule, name=name, query=f"?v=probe-{token}"))
    return found


def rule_of(path: str) -> EdgeRule | None:
    """Give the first rule that covers a path."""
    return next(
        (
            rule
            for rule in EDGE_RULES
            if path.startswith(rule.prefix) and path.lower().endswith(rule.suffix)
        ),
        None,
    )


@contextmanager
def uploaded(site: Site, key: str) -> Iterator[Uploads]:
    """Upload a small image for each rule, and delete them when the block ends.

    Args:
        site: The CDN; its origin takes the objects.
        key: Supabase API key with role ``service_role``.

    Raises:
        DeployError: Supabase refuses one; those before it are deleted.
    """
    uploads = Uploads()
    headers = {"authorization": f"Bearer {key}", "apikey": key}
    with httpx.Client(
        base_url=f"{site.origin_url}/storage/v1/object",
        headers=headers,
        timeout=TIMEOUT_S,
        trust_env=not site.is_local,
        verify=not site.is_local,
    ) as client:
        try:
            for rule in EDGE_RULES:
                probe = _new(rule)
                # Before: an upload whose answer is lost must be deleted as well.
                uploads.probes.append(probe)
                _upload(client, probe)
            yield uploads
        finally:
            for probe in uploads.probes:
                if not _delete(client, probe):
                    uploads.left.append(f"{probe.rule.bucket}/{probe.name}")


def content(rule: EdgeRule) -> bytes:
    """Give the bytes of a probe."""
    return SVG if rule.suffix == ".svg" else PNG


def _new(rule: EdgeRule) -> Probe:
    """Make up an object that nobody has asked for."""
    suffix = rule.suffix or ".png"
    return Probe(rule=rule, name=f"{PREFIX}{secrets.token_hex(8)}{suffix}")


def _upload(client: httpx.Client, probe: Probe) -> None:
    """Upload one, without a lifetime of its own: the CDN's has to count.

    Raises:
        DeployError: Supabase does not take it.
    """
    where = f"{probe.rule.bucket}/{probe.name}"
    kind = KINDS.get(probe.rule.suffix, "image/png")
    try:
        answer = client.post(
            f"/{where}", content=content(probe.rule), headers={"content-type": kind}
        )
    except httpx.HTTPError as error:
        what = type(error).__name__
        raise DeployError(f"Supabase takes no upload: {what}") from error
    if answer.is_error:
        raise DeployError(
            f"Supabase refuses the upload of {where}: {_told(answer)}",
            remedy="./bootstrap cdn.verify --object <bucket>/<name> asks for objects"
            " that are there",
        )


def _delete(client: httpx.Client, probe: Probe) -> bool:
    """Delete one; tell whether it is gone."""
    try:
        answer = client.delete(f"/{probe.rule.bucket}/{probe.name}")
    except httpx.HTTPError:
        return False  # it is told by its name
    # 400 with "not found" inside, where the upload had not arrived.
    return not answer.is_error or "not_found" in answer.text


def _told(answer: httpx.Response) -> str:
    """Give status and reason of a refusal."""
    try:
        body = answer.json()
        return f"{body.get('statusCode', answer.status_code)} {body.get('message', '')}"
    except (ValueError, AttributeError):
        return f"{answer.status_code} {answer.reason_phrase}"
