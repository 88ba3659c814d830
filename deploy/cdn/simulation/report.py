"""A simulation as lines."""

import textwrap
from collections.abc import Sequence

from deploy.cdn.simulation.plans import bill
from deploy.cdn.simulation.result import Result
from deploy.cdn.simulation.tally import OTHER
from deploy.cdn.simulation.verdict import verdicts
from infra.catalog.cdn import EDGE_RULES

WIDTH = 100
BAR = 44
"""Characters of the longest bar."""


def lines(result: Result, *, unicode: bool = True) -> list[str]:
    """Write it as tables, bars and sentences, 100 columns wide."""
    said = [
        *_wrapped(_head(result)),
        "",
        *table(_variants(result)),
        "",
        "What Supabase sends, MB a day",
        *_bars(result, unicode=unicode),
        "",
        *table(_rules(result)),
        "",
    ]
    if result.others:
        said += [*table(_others(result)), ""]
    for each in verdicts(result):
        said += textwrap.wrap(each, WIDTH, initial_indent="- ", subsequent_indent="  ")
    return [*said, *_replayed(result)]


def _wrapped(sentences: Sequence[str]) -> list[str]:
    return [line for each in sentences for line in textwrap.wrap(each, WIDTH)]


def _head(result: Result) -> list[str]:
    """Say what was simulated, and what could not be read."""
    traffic, settings = result.traffic, result.settings
    counted = sum(each.at >= traffic.counted_from for each in traffic.requests)
    what = "views" if traffic.are_views else "requests"
    said = [
        (
            f"{traffic.name}: {counted:,} {what} in"
            f" {traffic.days:,.1f} days, {len(result.objects):,} images"
            f" ({result.objects.bytes / 1e9:,.2f} GB)"
        ),
        (
            f"CDN {settings.mode}; uploads name {settings.upload_s:,} s; Supabase"
            f" {result.plan.title}, {'Smart' if settings.smart else 'basic'} CDN;"
            f" compression leaves {result.left:.0%} of a PNG, JPEG or WebP"
        ),
    ]
    for reason, count in traffic.unread.items():
        numbers = ", ".join(map(str, traffic.examples[reason]))
        more = ", ..." if count > len(traffic.examples[reason]) else ""
        said.append(
            f"not read: {count:,} of {traffic.lines:,} lines, {reason}"
            f" (line {numbers}{more})"
        )
    return said


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay rows out in columns, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _saved(before: float, after: float) -> str:
    return f"{100 * (before - after) / before:.0f} %" if before else ""


def _variants(result: Result) -> list[list[str]]:
    """Write a row for each variant."""
    rows = [
        [
            *("", "MB/day", "saved", "cached GB/mo", "uncached", "requests/day"),
            *("hit rate", "USD/month"),
        ]
    ]
    before = result.mb_day("today")
    for each in result.variants:
        images = result.outcomes[each.name].images
        month = result.month(each.name, mode=result.settings.mode)
        after = result.mb_day(each.name)
        priced = bill(result.plan, month)
        rows.append(
            [
                each.title,
                f"{after:,.0f}",
                "" if each.name == "today" else _saved(before, after),
                f"{month.cached_gb:,.1f}",
                f"{month.uncached_gb:,.1f}",
                f"{images.origin_asked / result.traffic.days:,.0f}",
                _percent(images.hit_rate),
                "restricted" if priced.restricted else f"{priced.usd:,.2f}",
            ]
        )
    return rows


def _bars(result: Result, *, unicode: bool) -> list[str]:
    """Draw a bar for each variant."""
    values = {each.title: result.mb_day(each.name) for each in result.variants}
    longest, widest = max(values.values()), max(map(len, values))
    sign = "█" if unicode else "#"
    return [
        f"{title:<{widest}}  {sign * round(BAR * value / longest if longest else 0)}"
        f" {value:,.0f}"
        for title, value in values.items()
    ]


def _rules(result: Result) -> list[list[str]]:
    """Write a row for each rule, and one for what none keeps."""
    days = result.traffic.days
    rows = [
        ["rule", "requests/day", "hit rate", "MB/day today", "with the CDN", "saved"]
    ]
    today, cdn = (result.outcomes[name].rules for name in ("today", "cdn"))
    for name in (*(rule.name for rule in EDGE_RULES), OTHER):
        if name not in cdn or (name == OTHER and not cdn[name].origin):
            continue
        before, after = today[name].origin / days / 1e6, cdn[name].origin / days / 1e6
        rows.append(
            [
                name if name != OTHER else "no rule",
                f"{cdn[name].asked / days:,.0f}",
                _percent(cdn[name].hit_rate),
                f"{before:,.1f}",
                f"{after:,.1f}",
                _saved(before, after),
            ]
        )
    return rows


def _others(result: Result) -> list[list[str]]:
    """Write what other settings change."""
    rows = [["what if", "MB/day today", "uncached", "CDN", "saved", "hit rate"]]
    for each in result.others:
        before, after = each.today / 1e6, each.cdn / 1e6
        rows.append(
            [
                each.name,
                f"{before:,.0f}",
                f"{each.today_uncached / 1e6:,.0f}",
                f"{after:,.0f}",
                _saved(before, after),
                _percent(each.hit_rate),
            ]
        )
    return rows


def _replayed(result: Result) -> list[str]:
    """Say how near the Worker's own hits are."""
    found = result.replayed
    if found is None:
        return []
    simulated, real = (100 * hits / found.requests for hits in found.hits)
    part = "all" if found.requests == found.of else f"of {found.of:,}, by object"
    said = (
        "Replayed through the Worker in workerd (Cache API), by the log's clock:"
        f" {found.requests:,} requests ({part}), {real:.2f} % hits, simulated"
        f" {simulated:.2f} %: {found.error_points:.2f} points apart,"
        f" {found.unlike:,} requests unlike; Supabase was asked"
        f" {found.asked[1]:,} times, simulated {found.asked[0]:,}."
    )
    return textwrap.wrap(said, WIDTH, initial_indent="- ", subsequent_indent="  ")
