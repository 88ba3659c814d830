"""What a simulation means for the bill, in sentences; also where it means nothing."""

from deploy.cdn.simulation.plans import Month, Plan, Span, bill, pays, stops_at
from deploy.cdn.simulation.result import Result
from infra.catalog.cdn import DAY_S, WEEK_S


def verdicts(result: Result) -> list[str]:
    """Say what it saves, from where on it pays, and what to do first."""
    money = _hard(result) if result.plan.is_hard else _paid(result)
    return [*money, *_cdn(result), *_first_step(result), *_limits(result)]


def _quotas(plan: Plan) -> str:
    return f"{plan.cached_gb:g} GB cached and {plan.uncached_gb:g} GB uncached"


def _used(month: Month) -> str:
    return f"{month.cached_gb:,.1f} GB cached and {month.uncached_gb:,.1f} GB uncached"


def _paid(result: Result) -> list[str]:
    """Say what the CDN saves where more egress can be bought."""
    plan, today, cdn = result.plan, result.month("today"), result.cdn_month
    said = f"On {plan.title} the CDN {_balance(plan, today, cdn)}."
    spans = pays(plan, today, cdn)
    if not spans:
        return [said, "With this mix it never pays, however much there is."]
    times = spans[0].from_gb / today.egress_gb
    where = " and ".join(map(_span, spans))
    return [
        said,
        (
            f"With this mix it pays {where} of egress a month; that begins at"
            f" {times:,.1f} times this traffic. Below the plan's quotas it saves USD 0."
        ),
    ]


def _balance(plan: Plan, today: Month, cdn: Month) -> str:
    """Compare the two bills."""
    before, after = bill(plan, today), bill(plan, cdn)
    costs = f"USD {before.usd:,.2f} for egress today, USD {after.usd:,.2f} with it"
    if before.usd == after.usd == 0:
        return (
            f"saves USD 0 a month: today's {_used(today)} are within the plan's"
            f" {_quotas(plan)}"
        )
    if after.usd >= before.usd:
        return f"does not pay: {costs}"
    return f"saves USD {before.usd - after.usd:,.2f} a month: {costs}"


def _span(span: Span) -> str:
    if span.to_gb is None:
        return f"from {span.from_gb:,.0f} GB on"
    return f"from {span.from_gb:,.0f} to {span.to_gb:,.0f} GB"


def _hard(result: Result) -> list[str]:
    """Say whether the project is restricted, today and with the CDN."""
    plan, today, cdn = result.plan, result.month("today"), result.cdn_month
    said = []
    for name, month in (("today", today), ("with the CDN", cdn)):
        over = bill(plan, month).restricted
        verdict = (
            f"over the quota of {' and '.join(over)} egress: the project is restricted"
            " (402 for every image)"
            if over
            else "within it"
        )
        said.append(
            f"{plan.title} includes {_quotas(plan)} a month; {name} {_used(month)}:"
            f" {verdict}."
        )
    before, after = stops_at(plan, today), stops_at(plan, cdn)
    if before and after:
        said.append(
            f"The quota is reached at {before:,.2f} times this traffic today, at"
            f" {after:,.2f} times with the CDN: {after / before:,.1f} times as far."
        )
    return said


def _cdn(result: Result) -> list[str]:
    """Say what the CDN itself costs, and how near its own limit is."""
    priced = bill(result.plan, result.cdn_month)
    return [f"{priced.cdn_told}; USD {priced.cdn_usd:,.2f} a month."]


def _first_step(result: Result) -> list[str]:
    """Say what the cheapest first step brings: no CDN, longer lifetimes."""
    today, headers = result.month("today"), result.month("headers")
    less = today.egress_gb - headers.egress_gb
    moved = today.uncached_gb - headers.uncached_gb
    tallies = [result.outcomes[name].images for name in ("today", "headers")]
    asked = [each.origin_asked / result.traffic.days for each in tallies]
    said = (
        'Cheapest first step, without a CDN: upload with cacheControl "604800" and'
        " names that change with the content."
    )
    if not result.traffic.are_views and result.settings.smart and moved < 0.05:
        return [
            (
                f"{said} What browsers then do not ask for, a log cannot tell; of what"
                " they do ask for it changes nothing here."
            )
        ]
    return [
        (
            f"{said} Here it saves {less:,.1f} GB of egress a month and"
            f" {asked[0] - asked[1]:,.0f} requests a day, and turns {moved:,.1f} GB a"
            " month from uncached to cached egress."
        )
    ]


def _limits(result: Result) -> list[str]:
    """Say what no CDN saves, and what it makes worse."""
    traffic = result.traffic
    new = result.objects.new_bytes(traffic.counted_from) / traffic.days / 1e6
    said = [
        (
            f"Of the CDN's {result.mb_day('cdn'):,.0f} MB a day {new:,.0f} MB are"
            " images that nobody had asked for before: those no CDN saves."
        )
    ]
    outdated = [result.outcomes[name].images.outdated for name in ("today", "cdn")]
    if any(outdated):
        said.append(
            f"Views of an image that had been overwritten: {outdated[0]:,} today,"
            f" {outdated[1]:,} with the CDN."
        )
    return [*said, *_of_log(result)]


def _of_log(result: Result) -> list[str]:
    """Say what a log does not tell."""
    traffic, said = result.traffic, []
    if not any(each.place for each in traffic.requests):
        said.append(
            "The log names no data centers: all requests count as one's, so that a copy"
            " in each looks as good as one for all."
        )
    if not traffic.are_views:
        said.append(
            "A log has only what browsers asked for: what the CDN's lifetimes for"
            " browsers change comes on top and is not counted."
        )
        if traffic.ends - traffic.requests[0].at < WEEK_S + DAY_S:
            said.append(
                "The log is hardly longer than a copy's week and begins with empty"
                " caches: a longer one shows more hits."
            )
    return said
