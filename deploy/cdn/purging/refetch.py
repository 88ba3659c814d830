"""Looks whether a copy was forgotten, and whether what replaced it is new."""

import secrets

import httpx

from deploy.cdn.asking import TIMEOUT_S, Answer
from deploy.cdn.checks.hits import is_hit
from deploy.cdn.site import Site
from deploy.checklist import Result, Status

SMART_CDN_S = 60
"""Until then Supabase's own CDN may answer with the old object (Supabase docs, "Smart
CDN"): a copy that is filled from it is old as well."""


def judge(site: Site, number: int, before: Answer, after: Answer) -> Result:
    """Judge whether a copy was forgotten, and whether the new one is new."""
    fresh, unlike = _origin(site, after)
    remedy: str | None
    if _is_old(site, before, after):
        status, told = Status.FAIL, "the old copy still answers"
        remedy = f"./bootstrap cdn.purge --path {after.path}"
    elif unlike:
        status, remedy = (
            Status.FAIL,
            f"./bootstrap cdn.purge --path {after.path} --wait",
        )
        told = (
            f"filled anew with what Supabase's own CDN still had: {unlike}; it has the"
            f" new object within {SMART_CDN_S} s"
        )
    else:
        status, remedy = Status.PASS, None
        told = f"answers {after.status}, filled anew, as Supabase has it"
    return Result(
        id=f"refetch.image-{number}",
        title=f"{after.path}: {told}",
        status=status,
        evidence={"before": before.told, "after": after.told, "origin": fresh},
        remedy=remedy,
    )


def _is_old(site: Site, before: Answer, after: Answer) -> bool:
    """Tell whether the copy of before answers still."""
    if site.has_worker:
        filled = before.header("x-cdn-filled-at")
        return bool(filled) and filled == after.header("x-cdn-filled-at")
    return is_hit(site, after) and (after.age_s or 0) >= (before.age_s or 0) > 0


def _origin(site: Site, after: Answer) -> tuple[dict[str, object], str]:
    """Ask Supabase past its own CDN; give what it said, and how the copy differs."""
    url = f"{site.origin_url}{after.path}?kiloscale={secrets.token_hex(8)}"
    try:
        fresh = httpx.head(
            url,
            timeout=TIMEOUT_S,
            trust_env=not site.is_local,
            verify=not site.is_local,
        )
    except httpx.HTTPError as error:
        return {"error": type(error).__name__}, ""
    told: dict[str, object] = {
        "status": fresh.status_code,
        "etag": fresh.headers.get("etag"),
    }
    if fresh.is_success != (after.status == httpx.codes.OK):
        return told, f"{after.status}, where the bucket answers {fresh.status_code}"
    tags = [each.removeprefix("W/") for each in (_etag(fresh), after.header("etag"))]
    if fresh.is_success and all(tags) and tags[0] != tags[1]:
        return told, f"etag {tags[1]}, where the bucket has {tags[0]}"
    return told, ""


def _etag(answer: httpx.Response) -> str:
    """Give an etag; empty if there is none."""
    return str(answer.headers.get("etag", ""))
