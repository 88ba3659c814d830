"""How a CDN answers with an image: parts, conditions, spellings, headers."""

import secrets
from collections.abc import Iterator

from deploy.cdn.asking import Answer, Asker
from deploy.cdn.checks.hits import Seen, is_hit, is_same_copy
from deploy.cdn.site import Site
from deploy.checklist import Result, Status, skipped
from infra.catalog.cdn import CONTENT_SECURITY_POLICY
from infra.catalog.cdn_modes import CACHE_RULES, WORKER_CACHE

PART = 10
"""Bytes of the part that is asked for."""

LEAKS = (
    *("x-robots-tag", "set-cookie", "expires", "vary"),
    *("sb-project-ref", "sb-gateway-version", "sb-request-id"),
)
"""What Supabase's own edge adds. A cookie keeps Workers Cache from storing."""

NO_HEADERS = (
    "cache-rules changes no headers; only a Worker or CloudFront can add a policy"
)


def svg(site: Site, seen: Seen) -> Result:
    """Look whether an SVG could run scripts on the domain."""
    answer = seen.last
    wanted = {
        "content-security-policy": CONTENT_SECURITY_POLICY,
        "x-content-type-options": "nosniff",
    }
    wrong = [name for name, value in wanted.items() if answer.header(name) != value]
    told = f"{' and '.join(wrong)} not as declared: an SVG could run scripts"
    if site.mode == CACHE_RULES:
        told = f"an SVG may run scripts on this domain: {NO_HEADERS}"
    return _judged(
        "cdn.svg",
        "an SVG is in a sandbox and nobody guesses its type",
        [told] if wrong else [],
        answer,
        # Known and documented of this mode: a warning each time, and no failure.
        bad=Status.WARN if site.mode == CACHE_RULES else Status.FAIL,
    )


def parts(asker: Asker, seen: Seen) -> Result:
    """Ask for a part, for the headers alone, and with a condition."""
    whole = seen.last
    target = seen.probe.target
    size = len(whole.body)
    part = asker.ask(target, range=f"bytes=0-{PART - 1}")
    head = asker.ask(target, "HEAD")
    known = asker.ask(target, if_none_match=whole.header("etag"))
    problems = []
    ranged = (part.status, part.body, part.header("content-range"))
    if ranged != (206, whole.body[:PART], f"bytes 0-{PART - 1}/{size}"):
        problems.append(f"a range answers {part.status}, not 206 with its bytes")
    if (head.status, head.body) != (200, b""):
        problems.append(f"HEAD answers {head.status} with {len(head.body)} bytes")
    if not whole.header("etag"):
        problems.append("there is no etag")
    elif (known.status, known.body) != (304, b""):
        problems.append(f"a known etag answers {known.status}, not 304")
    return _judged(
        "cdn.parts",
        "a range answers 206, HEAD 200 without a body, a known etag 304",
        problems,
        part,
        head,
        known,
    )


def canonical(site: Site, asker: Asker, seen: Seen) -> Result:
    """Ask with a parameter that must not make a copy, and with one that must."""
    check_id = "cdn.canonical"
    if site.mode == CACHE_RULES:
        return skipped(check_id, "cache-rules keeps each query apart (Enterprise only)")
    path, _, query = seen.probe.target.partition("?")
    other = asker.ask(f"{path}?{query + '&' if query else ''}utm_source=kiloscale")
    version = asker.ask(f"{path}?v=probe-{secrets.token_hex(6)}")
    problems = list(_spelling(site, seen, other))
    if version.status != 200:
        problems.append(f"?v= answers {version.status}")
    elif is_hit(site, version) or is_same_copy(site, seen.last, version):
        problems.append("?v= of a value that is new finds the old copy")
    how = "redirects to" if site.mode == WORKER_CACHE else "finds"
    return _judged(
        check_id,
        f"utm_source {how} the one copy, v makes one of its own",
        problems,
        other,
        version,
    )


def _spelling(site: Site, seen: Seen, other: Answer) -> Iterator[str]:
    """Yield what is wrong with the answer for another spelling."""
    if site.mode == WORKER_CACHE:
        wanted = site.base_url + seen.probe.target
        if (other.status, other.header("location")) != (301, wanted):
            where = other.header("location") or "nowhere"
            yield f"utm_source answers {other.status} to {where}, not 301 to {wanted}"
    elif not (is_hit(site, other) and is_same_copy(site, seen.last, other)):
        yield "utm_source makes a copy of its own"


def leaks(site: Site, fills: list[Answer]) -> Result:
    """Look for what Supabase's own CDN said: it would look like ours."""
    if site.mode == CACHE_RULES:
        return skipped("cdn.leaks", NO_HEADERS)
    problems = []
    for answer in fills:
        found = [name for name in LEAKS if name in answer.headers]
        if found:
            problems.append(f"{answer.path} has {', '.join(found)}")
        if is_hit(site, answer):
            # Nobody asked for it before: the hit can only be Supabase's.
            problems.append(f"{answer.path} is a hit at the first request")
        if (answer.age_s or 0) > 0:
            problems.append(
                f"{answer.path} is {answer.age_s} s old at the first request"
            )
    return _judged(
        "cdn.leaks",
        f"nothing of Supabase's own CDN is in {len(fills)} fills",
        problems,
        *fills,
    )


def _judged(
    check_id: str,
    good: str,
    problems: list[str],
    *answers: Answer,
    bad: Status = Status.FAIL,
) -> Result:
    """Make the result of a check."""
    return Result(
        id=check_id,
        title="; ".join(problems) if problems else good,
        status=bad if problems else Status.PASS,
        evidence={"answers": [each.told for each in answers]},
    )
