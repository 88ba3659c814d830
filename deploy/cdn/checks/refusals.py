"""What a CDN must not serve: what is private, what is missing, what it cannot be."""

import secrets
from collections.abc import Iterator

from deploy.cdn.asking import Answer, Asker, origin_requests
from deploy.cdn.checks.hits import is_hit
from deploy.cdn.probes import Probe
from deploy.cdn.site import Site
from deploy.checklist import Result, Status
from infra.catalog.cdn_modes import CACHE_RULES

STORAGE = "/storage/v1/object"
BLOCKED = (
    ("GET", f"{STORAGE}/sign/{{object}}?token=x"),
    ("GET", f"{STORAGE}/authenticated/{{object}}"),
    ("GET", f"{STORAGE}/{{object}}"),
    ("GET", f"{STORAGE}/list/{{bucket}}"),
    ("GET", "/storage/v1/render/image/public/{object}?width=10"),
    ("GET", f"{STORAGE}/public/kiloscale-no-such-bucket/{{name}}"),
    ("GET", f"{STORAGE}/public/{{bucket}}2/{{name}}"),
    ("GET", "/rest/v1/"),
    ("GET", "/auth/v1/health"),
    ("GET", "/functions/v1/chat-send"),
    ("GET", f"{STORAGE}/public/{{bucket}}/../../sign/{{object}}"),
    ("GET", f"{STORAGE}/public/{{bucket}}/%2e%2e/%2e%2e/sign/{{object}}"),
    ("GET", f"{STORAGE}/public/{{bucket}}/..%2f..%2fsign%2f{{object}}"),
    ("GET", f"{STORAGE}/public/{{bucket}}/%252e%252e%252fsign%252f{{object}}"),
    ("GET", f"{STORAGE}/public/{{bucket}}//{{name}}"),
    ("POST", f"{STORAGE}/{{object}}"),
    ("PUT", f"{STORAGE}/public/{{object}}"),
    ("DELETE", f"{STORAGE}/public/{{object}}"),
)
"""Nothing of these is an image of a public bucket, whoever asks."""

REFUSALS = frozenset({400, 401, 403, 404, 405})
WORKER_REFUSALS = frozenset({404, 405})
MISSING_AT_SUPABASE = frozenset({"400", "404"})


def blocked(site: Site, asker: Asker, probe: Probe) -> Result:
    """Ask for what must not be served; the origin must not hear of it."""
    if site.mode == CACHE_RULES:
        return _uncached(site, asker, probe)
    before = origin_requests(site.origin_log, probe.path)
    answers = [asker.ask(path, method) for method, path in _filled(probe)]
    allowed = WORKER_REFUSALS if site.has_worker else REFUSALS
    through = [
        each
        for each in answers
        if each.status not in allowed or "x-cdn-origin-status" in each.headers
    ]
    after = origin_requests(site.origin_log, probe.path)
    reached = (after or 0) - (before or 0)
    title = f"all {len(answers)} requests for what is no public image are refused"
    if through:
        listed = ", ".join(f"{one.method} {one.path} ({one.status})" for one in through)
        title = f"{len(through)} of {len(answers)} are not refused: {listed}"
    elif reached:
        title = f"refused, but the origin was asked {reached} times"
    return Result(
        id="cdn.blocked",
        title=title,
        status=Status.FAIL if through or reached else Status.PASS,
        evidence={"answers": [_short(each) for each in answers]},
        remedy="./bootstrap drift" if through and not site.is_local else None,
    )


def _filled(probe: Probe) -> Iterator[tuple[str, str]]:
    """Give methods and paths, with an object in them that is there."""
    name = probe.path.removeprefix(probe.rule.prefix)
    bucket = probe.rule.bucket
    for method, path in BLOCKED:
        yield method, path.format(object=f"{bucket}/{name}", bucket=bucket, name=name)


def _uncached(site: Site, asker: Asker, probe: Probe) -> Result:
    """Where the whole API is under the domain, nothing of it may be kept."""
    reads = [path for method, path in _filled(probe) if method == "GET"]
    answers = [asker.ask(path) for path in reads for _ in range(2)]
    kept = [each for each in answers if is_hit(site, each)]
    listed = ", ".join(each.path for each in kept)
    return Result(
        id="cdn.blocked",
        title=f"kept by the CDN: {listed}"
        if kept
        else f"of {len(reads)} addresses of the API, which this mode passes on, none"
        " is kept",
        status=Status.FAIL if kept else Status.PASS,
        evidence={"answers": [_short(each) for each in answers]},
    )


def missing(site: Site, asker: Asker, probe: Probe) -> Result:
    """Ask for an object that is not there: no browser may remember an error."""
    suffix = probe.rule.suffix or ".png"
    path = f"{probe.rule.prefix}kiloscale-missing-{secrets.token_hex(8)}{suffix}"
    answer = asker.ask(path)
    problems = list(_missing_problems(site, answer))
    kept = "browsers ask again at once" if site.has_worker else "as Supabase says it"
    return Result(
        id="cdn.missing",
        title="; ".join(problems) if problems else f"{answer.status}, {kept}",
        status=Status.FAIL if problems else Status.PASS,
        evidence=answer.told,
    )


def _missing_problems(site: Site, answer: Answer) -> Iterator[str]:
    """Yield what is wrong with the answer for a missing object."""
    if not site.has_worker:
        # Supabase's own 400 passes; what CloudFront and the rules keep of errors is
        # compared with what is declared.
        if answer.status not in (400, 404):
            yield f"a missing object answers {answer.status}, not 400 or 404"
        if is_hit(site, answer):
            yield "an error for a name that nobody asked for before is a hit"
        return
    if answer.status != 404:
        yield f"a missing object answers {answer.status}, not 404"
    if answer.header("x-cdn-origin-status") not in MISSING_AT_SUPABASE:
        yield f"x-cdn-origin-status is {answer.header('x-cdn-origin-status')!r}"
    said = answer.header("cache-control")
    if said not in ("public, max-age=0", "no-store"):
        yield f"browsers may keep the error: cache-control is {said!r}"
    if answer.header("content-type").startswith("image/"):
        yield "the error looks like an image"


def _short(answer: Answer) -> str:
    """Write request and status in a line."""
    return f"{answer.method} {answer.path}: {answer.status}"
