"""One run over the columns: to the CDN, or back."""

from collections.abc import Iterator, Sequence

from deploy.checklist import Result, Status, skipped
from deploy.deployment import Deployment
from deploy.errors import UsageError
from deploy.urls import looking, moving, place
from deploy.urls.asked import TASK, Asked, batch_rows, listed
from deploy.urls.columns import KNOWN, Column
from deploy.urls.place import Connection, Settings


def to_cdn(
    deployment: Deployment,
    conn: Connection,
    asked: Asked,
    columns: Sequence[Column],
) -> Iterator[Result]:
    """Have rows name their images at the CDN."""
    hosts = tuple(listed(asked.from_host))
    before = place.recorded(conn)
    settings = place.with_earlier(place.declared(deployment, hosts), before)
    there = looking.existing(conn, columns)
    if not asked.configure:
        looking.require(conn, there)
        yield from _allowed(conn, asked, there)
    if not deployment.dry_run:
        yield _kept(settings, changed=place.keep(conn, settings))
    if asked.configure:
        return
    if deployment.dry_run:
        for each in there:
            deployment.progress(f"reading {each.told}")
            counted = looking.count(conn, each, "cdn", settings)
            yield looking.looked(counted, planned=True)
        yield from looking.by_people(conn, columns, settings, deployment.progress)
        return
    yield from _moved(deployment, conn, asked, there, settings)


def back(
    deployment: Deployment,
    conn: Connection,
    asked: Asked,
    columns: Sequence[Column],
) -> Iterator[Result]:
    """Have rows name their images at Supabase again."""
    settings = place.recorded(conn)
    if settings is None:
        yield skipped("urls.all", "no address was ever moved to a CDN here")
        return
    undone = moving.kept(conn)
    if asked.undo:
        extra = {each.told for each in columns if each.is_named}
        every = [each for each, _ in undone if not extra or each.told in extra]
        chosen = looking.existing(conn, every)
    else:
        chosen = looking.existing(conn, columns)
    yield from _allowed(conn, asked, chosen)
    if deployment.dry_run:
        rows = {each.told: number for each, number in undone}
        for each in chosen:
            if asked.undo:
                yield _would_undo(each, rows[each.told])
            else:
                counted = looking.count(conn, each, "origin", settings)
                yield looking.looked(counted, planned=True)
        return
    yield from _moved(deployment, conn, asked, chosen, settings)
    if not moving.kept(conn):
        changed = moving.switch_off(conn)
        yield Result(
            id="urls.settings",
            title="kiloscale.cdn_url gives addresses of Supabase",
            status=Status.PASS,
            changed=changed,
        )


def _moved(
    deployment: Deployment,
    conn: Connection,
    asked: Asked,
    columns: Sequence[Column],
    settings: Settings,
) -> Iterator[Result]:
    """Change each column, then look whether anything is left."""
    for each in columns:
        order = moving.Order(
            column=each, target=asked.target, batch_rows=batch_rows(asked)
        )
        yield moving.move(conn, order, deployment.progress)
    towards = "cdn" if asked.target == "cdn" else "origin"
    known = list(columns)
    if towards == "origin":
        others = {each.told for each in known}
        more = looking.existing(conn, KNOWN)
        known += [each for each in more if each.told not in others]
    for each in known:
        deployment.progress(f"looking through {each.told} once more")
        left = looking.count(conn, each, towards, settings)
        if left.due:
            yield _left(left.column, left.due, towards)


def _allowed(
    conn: Connection, asked: Asked, columns: Sequence[Column]
) -> Iterator[Result]:
    """Name what each changed row sets off; refuse unless that was agreed to.

    Raises:
        UsageError: Triggers or publications would be set off, and nobody agreed.
    """
    found = looking.set_off(conn, columns)
    if not found:
        return
    told = ", ".join(found)
    if not (asked.set_off or asked.dry_run):
        raise UsageError(
            f"each changed row would set off {told}; nothing was changed",
            remedy=f"./bootstrap {TASK} --dry-run; disable them, or --set-off",
            evidence={"set_off": found},
        )
    yield Result(
        id="urls.set_off",
        title=f"each changed row sets off {told}",
        status=Status.WARN,
        evidence={"set_off": found},
    )


def _kept(settings: Settings, *, changed: bool) -> Result:
    """Say what ``kiloscale.cdn_url`` gives."""
    return Result(
        id="urls.settings",
        title=f"kiloscale.cdn_url gives addresses of {settings.base_url}",
        status=Status.PASS,
        evidence={
            "base_url": settings.base_url,
            "origin_url": settings.origin_url,
            "hosts": settings.hosts,
            "buckets": settings.buckets,
        },
        changed=changed,
    )


def _would_undo(column: Column, rows: int) -> Result:
    """Say what an undo would put back."""
    return Result(
        id=f"urls.{column.told}",
        title=f"{rows:,} rows would be put back, as far as they still"
        " have what was written",
        status=Status.PASS,
        evidence={"rows": rows},
        planned=rows > 0,
    )


def _left(column: Column, rows: int, towards: str) -> Result:
    """Say that rows are left, and why."""
    if towards == "cdn":
        why = "were written meanwhile with old addresses: run it again"
        remedy = f"./bootstrap {TASK}"
    else:
        why = "name the CDN: the app, or the compression of images, wrote them"
        remedy = f"./bootstrap {TASK} --to-origin"
    option = "--inside" if column.inside else "--column"
    return Result(
        id=f"urls.left.{column.told}",
        title=f"{rows:,} rows {why}",
        status=Status.WARN,
        evidence={"rows": rows},
        remedy=f"{remedy} {option} {column.told}"
        if column.told not in {each.told for each in KNOWN}
        else remedy,
    )
