"""The steps of ``cutover``: the share, what another would mean, and who answers."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx

from deploy.checklist import Result, Status, Step
from deploy.cutover.probes import (
    TIMEOUT_S,
    Seen,
    ask,
    boundaries,
    user_of_bucket,
)
from deploy.cutover.shares import Share
from deploy.deployment import Deployment
from infra.catalog.front import SHARED, public_services
from infra.front_routing import BUCKETS

BAD_REQUEST, NOT_FOUND = 400, 404

OURS_ALONE = "health-check"
"""A name that only our functions have: ours at any share."""


def client_of(share: Share) -> httpx.Client:
    """Make the client that asks a front; on this machine, past any proxy."""
    return httpx.Client(timeout=TIMEOUT_S, trust_env=not share.is_local)


def checklist(
    share: Share,
    percent: int | None,
    connect: Callable[[Share], httpx.Client] = client_of,
) -> list[Step[Deployment]]:
    """Give the steps.

    Args:
        share: The present share.
        percent: A share that is thought of; ``None`` for none.
        connect: Makes the client that asks the front.
    """

    def shares(_: Deployment) -> Iterator[Result]:
        yield _present(share)
        if percent is not None:
            yield _planned(share, percent)

    def answers(deployment: Deployment) -> Iterator[Result]:
        if not share.base:
            yield _skipped(share)
            return
        with connect(share) as client:
            yield from _answers(share, deployment, client)

    return [
        Step(id="share", title="Share of users", run=shares),
        Step(id="answers", title="Who answers", run=answers, verifies=True),
    ]


def _present(share: Share) -> Result:
    """Say what the share is."""
    there = share.front.present
    others = f"the others' go to {there}" if there else "there is no other side"
    return Result(
        id="share.present",
        title=f"{share.percent} % of users are ours for {', '.join(SHARED)}; {others}",
        status=Status.PASS,
        evidence={
            "base": share.base,
            "front": "stand-in" if share.is_local else share.front.mode,
            "percent": share.percent,
            "present": there,
            "shared": list(SHARED),
            "ours_at_any_share": [n for n in public_services() if n not in SHARED],
        },
    )


def _planned(share: Share, percent: int) -> Result:
    """Say what another share would mean, and how to get there and back."""
    moved = percent - share.percent
    what = {
        True: f"{moved} of 100 buckets more come to us, and nobody leaves",
        False: f"{-moved} of 100 buckets go back to the present functions",
    }[moved > 0]
    if moved == 0:
        what = "that is the share"
    lacking = percent < BUCKETS and not share.front.present
    if lacking:
        what = "nobody would answer the others: set cutoverFrom first"
    return Result(
        id="share.planned",
        title=f"{percent} %: {what}",
        status=Status.FAIL if lacking else Status.PASS,
        evidence={
            "on": share.command(percent),
            "back": share.command(share.percent),
            "takes_effect": share.takes_effect,
        },
        remedy=share.command(percent) if moved and not lacking else None,
    )


def _skipped(share: Share) -> Result:
    """Say why nobody is asked."""
    return Result(
        id="answers.front",
        title="no front: apps call the function URLs, and no share is kept",
        status=Status.SKIPPED,
        remedy=f"pulumi config set front worker --stack {share.stack}",
    )


def _answers(
    share: Share, deployment: Deployment, client: httpx.Client
) -> Iterator[Result]:
    """Ask the front as users at the edges of both sides, and outside its paths."""
    deployment.progress(f"asking {urlsplit(share.base).netloc}")
    seen = ask(f"{share.base}/{OURS_ALONE}", client=client)
    yield _judged(share, OURS_ALONE, OURS_ALONE, "ours", seen)
    if seen.status is None:
        return  # nor would it answer any other question
    for name in SHARED:
        for bucket, side in boundaries(share.percent):
            seen = ask(
                f"{share.base}/{name}", user=user_of_bucket(bucket), client=client
            )
            what = f"{name}, bucket {bucket}"
            yield _judged(share, f"{name}-{bucket}", what, side, seen)
    if not share.is_local:
        address = urlsplit(share.base)
        url = f"{address.scheme}://{address.netloc}/rest/v1/"
        yield _blocked(share, ask(url, client=client, method="GET"))


def _judged(share: Share, noun: str, what: str, side: str, seen: Seen) -> Result:
    """Compare who answered with who should have."""
    status, title, remedy = Status.PASS, f"{what}: {side} answered", None
    if seen.status is None:
        status, title = Status.FAIL, f"{what}: no answer ({seen.error})"
        remedy = f"pulumi stack output apiUrls --stack {share.stack}"
        if share.is_local:
            remedy = "./bootstrap local.status"
    elif not seen.side and seen.status >= BAD_REQUEST:
        # CloudFront runs no function on such answers, so nothing names the side.
        status = Status.WARN
        title = f"{what}: answered {seen.status}, which names no side"
    elif seen.side != side:
        status = Status.FAIL
        title = f"{what}: {seen.side or 'no front'} answered, not {side}"
        remedy = share.command(share.percent)
    return Result(
        id=f"answers.{noun}",
        title=title,
        status=status,
        evidence={**seen.evidence(), "expected": side},
        remedy=remedy,
    )


def _blocked(share: Share, seen: Seen) -> Result:
    """Judge a path that is none of the functions'."""
    is_blocked = seen.status == NOT_FOUND
    return Result(
        id="answers.other-paths",
        title=(
            "other paths are blocked"
            if is_blocked
            else f"/rest/v1/ answered {seen.status or seen.error}, not {NOT_FOUND}"
        ),
        status=Status.PASS if is_blocked else Status.FAIL,
        evidence=seen.evidence(),
        remedy=None if is_blocked else share.command(share.percent),
    )
