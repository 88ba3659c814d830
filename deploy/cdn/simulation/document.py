"""A simulation as one JSON document."""

import json
from dataclasses import asdict

from deploy.cdn.simulation.plans import Bill, Month, bill, pays, stops_at
from deploy.cdn.simulation.replay import Replayed
from deploy.cdn.simulation.result import Result
from deploy.cdn.simulation.settings import Variant
from deploy.cdn.simulation.tally import Tally
from deploy.cdn.simulation.verdict import verdicts


def document(result: Result) -> str:
    """Write all of it as one JSON document."""
    plan, today, cdn = result.plan, result.month("today"), result.cdn_month
    replayed = result.replayed
    content = {
        "traffic": _traffic(result),
        "settings": asdict(result.settings) | {"compression_left": result.left},
        "plan": asdict(plan),
        "variants": [_variant(result, each) for each in result.variants],
        "what_if": [asdict(each) for each in result.others],
        "pays_gb_month": [asdict(each) for each in pays(plan, today, cdn)],
        "restricted_at_times": {
            "today": stops_at(plan, today),
            "cdn": stops_at(plan, cdn),
        },
        "replay": _replay(replayed) if replayed else None,
        "verdicts": verdicts(result),
    }
    return json.dumps(content, indent=2)


def _traffic(result: Result) -> dict[str, object]:
    traffic = result.traffic
    return {
        "name": traffic.name,
        "requests": len(traffic.requests),
        "days": round(traffic.days, 3),
        "are_views": traffic.are_views,
        "lines": traffic.lines,
        "unread": dict(traffic.unread),
        "unread_lines": {key: list(each) for key, each in traffic.examples.items()},
        "images": len(result.objects),
        "image_bytes": result.objects.bytes,
    }


def _variant(result: Result, variant: Variant) -> dict[str, object]:
    month = result.month(variant.name, mode=result.settings.mode)
    rules = result.outcomes[variant.name].rules
    return {
        "name": variant.name,
        "mb_day": round(result.mb_day(variant.name), 3),
        "month": _month(month),
        "bill": _bill(bill(result.plan, month)),
        "rules": {name: _tally(tally) for name, tally in sorted(rules.items())},
    }


def _month(month: Month) -> dict[str, float]:
    return {
        "cached_gb": round(month.cached_gb, 3),
        "uncached_gb": round(month.uncached_gb, 3),
        "cdn_gb": round(month.cdn_gb, 3),
        "cdn_requests": round(month.cdn_requests),
    }


def _bill(priced: Bill) -> dict[str, object]:
    return {
        "usd": round(priced.usd, 4),
        "cached_usd": round(priced.cached_usd, 4),
        "uncached_usd": round(priced.uncached_usd, 4),
        "cdn_usd": round(priced.cdn_usd, 4),
        "restricted": list(priced.restricted),
    }


def _tally(tally: Tally) -> dict[str, object]:
    rate = tally.hit_rate
    return asdict(tally) | {"hit_rate": None if rate is None else round(rate, 5)}


def _replay(found: Replayed) -> dict[str, object]:
    return asdict(found) | {
        "error_points": round(found.error_points, 4),
        "statuses": {str(key): value for key, value in found.statuses.items()},
    }
