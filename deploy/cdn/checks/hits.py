"""A hit, proved: ``cf-cache-status: HIT`` alone may be that of Supabase's own CDN."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from deploy.cdn.asking import Answer, Asker, origin_requests
from deploy.cdn.probes import Probe
from deploy.cdn.site import Site
from deploy.checklist import Result, Status
from infra.catalog.cdn import EdgeRule
from infra.catalog.cdn_modes import CLOUDFRONT

PATIENCE_S = 20.0
"""Each location of a CDN fills its own copy, and keeps it once it has answered."""

PAUSE_S = 0.01
PAUSE_MAX_S = 1.0
CLOUDFLARE_HITS = frozenset({"HIT", "UPDATING", "STALE"})


@dataclass(kw_only=True)
class Seen:
    """The answers for one probe, the fill first.

    Attributes:
        probe: The object.
        answers: In order; the last is a hit if one was had.
        is_hit: Whether the last is a copy that was seen before.
    """

    probe: Probe
    answers: list[Answer] = field(default_factory=list)
    is_hit: bool = False

    @property
    def fill(self) -> Answer:
        """Give the first answer."""
        return self.answers[0]

    @property
    def last(self) -> Answer:
        """Give the newest answer."""
        return self.answers[-1]


def is_hit(site: Site, answer: Answer) -> bool:
    """Tell whether the CDN says that it answered from a copy."""
    if site.mode == CLOUDFRONT:
        return answer.header("x-cache").startswith("Hit from cloudfront")
    return answer.header("cf-cache-status") in CLOUDFLARE_HITS


def is_same_copy(site: Site, before: Answer, now: Answer) -> bool:
    """Tell whether two answers are one copy: filled at one time, or grown older."""
    if site.has_worker:
        filled = now.header("x-cdn-filled-at")
        return bool(filled) and filled == before.header("x-cdn-filled-at")
    ages = (before.age_s, now.age_s)
    return (
        is_hit(site, before)
        and None not in ages
        and (ages[0] or 0) <= (ages[1] or 0)
        and before.header("etag") == now.header("etag")
    )


def ask_until_hit(
    site: Site, asker: Asker, probe: Probe, sleep: Callable[[float], None] = time.sleep
) -> Seen:
    """Ask for an object until a copy that was seen before answers."""
    seen = Seen(probe=probe)
    deadline = time.monotonic() + PATIENCE_S
    pause_s = PAUSE_S
    while True:
        answer = asker.ask(probe.target)
        earlier = list(seen.answers)
        seen.answers.append(answer)
        if answer.status != 200:
            return seen
        if is_hit(site, answer) and any(
            is_same_copy(site, before, answer) for before in earlier
        ):
            seen.is_hit = True
            return seen
        if time.monotonic() > deadline:
            return seen
        sleep(pause_s)
        pause_s = min(2 * pause_s, PAUSE_MAX_S)


def check(site: Site, seen: Seen, expected: bytes | None) -> Result:
    """Judge what was answered for one rule.

    Args:
        site: The CDN.
        seen: The answers.
        expected: The object's bytes; ``None`` where they are not known.
    """
    rule = seen.probe.rule
    asked = origin_requests(site.origin_log, seen.probe.path)
    problems = list(_problems(site, seen, expected, asked))
    told = f"{rule.bucket}/{rule.suffix and '*'}{rule.suffix}"
    ok = (
        f"{told}: the same copy answers again (request {len(seen.answers)}),"
        f" browsers keep it {rule.browser_ttl_s:,} s"
    )
    if asked is not None:
        ok += f"; the origin was asked {asked} time{'' if asked == 1 else 's'}"
    return Result(
        id=f"cdn.hit-{rule.name}",
        title=f"{told}: {'; '.join(problems)}" if problems else ok,
        status=Status.FAIL if problems else Status.PASS,
        evidence={
            "rule": rule.name,
            "edge_ttl_s": rule.edge_ttl_s,
            "requests": len(seen.answers),
            "origin_requests": asked
            if asked is not None
            else "not counted here: Supabase's edge logs show them",
            "fill": seen.fill.told,
            "hit": seen.last.told,
        },
        remedy="./bootstrap drift" if problems and not site.is_local else None,
    )


def _problems(
    site: Site, seen: Seen, expected: bytes | None, asked: int | None
) -> Iterator[str]:
    """Yield what is not as a hit has to be."""
    rule = seen.probe.rule
    last = seen.last
    if last.status != 200:
        status = last.header("x-cdn-origin-status")
        said = f", where Supabase said {status}" if status else ""
        yield f"answered {last.status}{said}"
        return
    if not seen.is_hit:
        yield f"no hit of one copy in {len(seen.answers)} requests"
    if site.has_worker and last.header("x-cdn-rule") != rule.name:
        yield f"x-cdn-rule is {last.header('x-cdn-rule') or 'absent'}, not {rule.name}"
    yield from _browser(rule, last)
    if expected is not None and last.body != expected:
        yield "other bytes than were uploaded"
    if asked is not None and asked > 1:
        yield f"the origin was asked {asked} times"


def _browser(rule: EdgeRule, answer: Answer) -> Iterator[str]:
    """Yield what is wrong with the lifetime in browsers."""
    said = answer.header("cache-control")
    ages = [
        each.strip().removeprefix("max-age=")
        for each in said.split(",")
        if each.strip().startswith("max-age=")
    ]
    if ages != [str(rule.browser_ttl_s)]:
        yield (
            f"cache-control is {said or 'absent'!r}, not max-age={rule.browser_ttl_s}"
        )
