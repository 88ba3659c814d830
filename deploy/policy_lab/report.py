"""What the lab found, as lines and as JSON."""

import json

from deploy.policy_lab.measuring import Outcome
from deploy.policy_lab.sweep import BASELINE, Result, Setting


def document(result: Result) -> str:
    """Write all of it as one JSON document."""
    reader = result.reader
    content = {
        "corpus": {
            "name": result.corpus.name,
            "messages": len(result.corpus.messages),
            "turns": result.corpus.turns(),
            "facts": result.facts if result.corpus.is_labelled else None,
        },
        "reader": _setting(reader) | {"noise": reader.noise, "junk": reader.junk},
        "policies": [outcome(each) for each in result.outcomes],
        "sweep": [
            _setting(each.reader)
            | {
                "recall": {name: round(one, 4) for name, one in each.recall.items()},
                "every_turn": each.baseline.as_json(),
            }
            for each in result.settings
        ],
        "others": {
            name: [outcome(each) for each in found]
            for name, found in result.others.items()
        },
    }
    return json.dumps(content, indent=2)


def outcome(found: Outcome) -> dict[str, object]:
    """Give a policy's outcome; what needs labelled facts is null without them."""
    facts = found.found
    return {
        "policy": found.policy,
        "calls": found.calls,
        "calls_per_100_turns": round(100 * found.calls_ratio, 2),
        "usd_per_1000_turns": round(found.usd_per_1000, 4),
        "read": round(found.read, 4),
        "delay_p50_s": round(found.delay_p50_s),
        "delay_p95_s": round(found.delay_p95_s),
        "recall": found.recall.as_json() if found.recall else None,
        "versus_every_turn": found.versus.as_json() if found.versus else None,
        "in_time": round(found.in_time, 4) if facts else None,
        "duplicates": facts.duplicates if facts else None,
        "false": facts.false if facts else None,
        "stale": facts.stale if facts else None,
    }


def _setting(reader: object) -> dict[str, object]:
    """Give the swept parameters."""
    return {name: getattr(reader, name) for name in ("miss", "loss", "correlation")}


def lines(result: Result) -> list[str]:
    """Write it as a table and sentences."""
    corpus = result.corpus
    facts = f", {result.facts:,} facts" if corpus.is_labelled else ""
    head = f"{corpus.name}: {len(corpus.messages):,} messages, {corpus.turns():,} turns"
    table = [head + facts, "", *_table(result)]
    if not corpus.is_labelled:
        return [*table, "", "no line has facts: what was recalled cannot be said"]
    return [
        *table,
        "",
        _assumed(result),
        *_verdicts(result),
        *_others(result),
    ]


def _assumed(result: Result) -> str:
    """Say how the stand-in is set."""
    reader = result.reader
    return (
        f"stand-in: misses {reader.miss:.0%}, loses {reader.loss:.0%} for each further"
        f" 100 tokens, correlation {reader.correlation:g}; assumed, not measured"
    )


def _table(result: Result) -> list[str]:
    """Write a line for each policy."""
    is_labelled = result.corpus.is_labelled
    names = ["policy", "calls/100", "USD/1,000", "read %", "delay p50", "p95"]
    names += ["recall %", "in time %", "dupl.", "false"] if is_labelled else []
    rows = [names]
    for each in result.outcomes:
        row = [
            each.policy,
            f"{100 * each.calls_ratio:.1f}",
            f"{each.usd_per_1000:.3f}",
            f"{100 * each.read:.0f}",
            duration(each.delay_p50_s),
            duration(each.delay_p95_s),
        ]
        if each.found and each.recall:
            row += [
                each.recall.told(),
                f"{100 * each.in_time:.0f}",
                str(each.found.duplicates),
                str(each.found.false),
            ]
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(names))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def duration(seconds: float) -> str:
    """Write a time in its largest unit.

    >>> duration(8), duration(900), duration(7200), duration(200_000)
    ('8 s', '15 min', '2 h', '2 d')
    """
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _verdicts(result: Result) -> list[str]:
    """Say how each policy does against the baseline, here and in the sweep."""
    said = []
    for each in result.outcomes:
        if each.policy == BASELINE or each.versus is None:
            continue
        low, high = 100 * each.versus.low, 100 * each.versus.high
        said.append(
            f"{each.policy}: recalls {100 * each.versus.value:+.1f} points of"
            f" {BASELINE} [{low:+.1f}, {high:+.1f}], the same people;"
            f" {_swept(result, each.policy)}"
        )
    return said


def _swept(result: Result, policy: str) -> str:
    """Say where in the sweep a policy loses and wins."""
    verdicts = [each.beyond(policy) for each in result.settings]
    worst = min(
        result.settings,
        key=lambda each: each.recall[policy] - each.recall[BASELINE],
    )
    return (
        f"in {len(verdicts)} settings of the stand-in below its interval"
        f" {verdicts.count(-1)} times, above {verdicts.count(1)} times; worst"
        f" {_named(worst, policy)}"
    )


def _named(setting: Setting, policy: str) -> str:
    """Name a setting with its two recalls."""
    reader = setting.reader
    return (
        f"{setting.recall[policy]:.0%} against {setting.recall[BASELINE]:.0%}"
        f" at miss {reader.miss:.0%}, loss {reader.loss:.0%}, correlation"
        f" {reader.correlation:g}"
    )


def _others(result: Result) -> list[str]:
    """Write what other conversations change."""
    return [
        f"{name}: "
        + ", ".join(
            f"{each.policy} {100 * each.calls_ratio:.0f} calls {each.recall.value:.0%}"
            for each in found
            if each.recall
        )
        for name, found in result.others.items()
    ]
