"""A plan as text for people, at most 100 columns wide."""

import textwrap
from collections.abc import Iterator, Sequence

from deploy.console import WIDTH
from deploy.planning import highlights
from deploy.planning.changes import Change
from deploy.planning.components import Component
from deploy.planning.cost import NOT_INCLUDED, Estimate
from infra.catalog import loads
from infra.catalog.prices import AS_OF
from infra.policies.resources import Resources

CHANGES_MAX = 40
"""More lines of changes are counted; ``--json`` has them all."""

UNCONFIRMED = "~"
"""Before a price that no source confirms."""

SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def resources(components: Sequence[Component], source: str) -> Iterator[str]:
    """Show what is declared, a line for each component."""
    everything = Resources(each for one in components for each in one.resources)
    yield f"resources: {len(everything)} in {len(components)} components"
    yield f"  from {source}"
    yield ""
    rows = [("component", "kind", "", "what matters")]
    rows += [
        (each.name, each.kind, str(len(each.resources)), each.matters)
        for each in components
    ]
    yield from table(rows)
    yield ""
    yield from wrapped(f"kinds: {highlights.kinds(everything)}")


def changes(found: Sequence[Change], since: str | None) -> Iterator[str]:
    """Show what differs from the last deploy, an input a line."""
    if since is None:
        yield "changes: no deploy recorded here what it declared: everything is new"
        return
    yield f"changes since the deploy of {since}: {len(found) or 'none'}"
    lines = []
    for each in found:
        sign = SIGNS[each.how]
        lines += [f"{sign} {each.title}  {one.line}" for one in each.inputs] or [
            f"{sign} {each.title}"
        ]
    for line in lines[:CHANGES_MAX]:
        yield from wrapped(line, first=2, indent=6)
    if len(lines) > CHANGES_MAX:
        yield f"  and {len(lines) - CHANGES_MAX} more: --json shows them"


def engine(lines: Sequence[str]) -> Iterator[str]:
    """Show what the engine would do."""
    yield f"the engine would do: {len(lines) or 'nothing'}"
    for line in lines:
        yield f"  {line}"


def cost(estimates: Sequence[Estimate], users: int) -> Iterator[str]:
    """Show what a month costs: each line of one load, the sums of all loads."""
    one = next(each for each in estimates if each.load.users == users)
    yield (
        f"cost of a month with {users:,} users, {_region(one)}, USD,"
        f" list prices looked up {AS_OF}; an estimate"
    )
    rows = [("", "amount", "for", "price", "USD", "after free")]
    rows += [
        (
            f"{line.quantity.price.service} {line.quantity.price.what}",
            _number(line.quantity.amount),
            f"{line.quantity.price.per:,}",
            ("" if line.is_confirmed else UNCONFIRMED) + _price(line.unit_usd),
            f"{line.usd:.2f}",
            f"{line.usd_after_free:.2f}",
        )
        for line in one.lines
    ]
    for each in estimates:
        label = f"sum with {each.load.users:,} users"
        rows.append(
            (label, "", "", "", f"{each.usd:.2f}", f"{each.usd_after_free:.2f}")
        )
    yield from _numbers(rows)
    if not all(line.is_confirmed for line in one.lines):
        yield from wrapped(_unconfirmed(one), first=2, indent=4)
    yield from wrapped(_llm(one), first=2, indent=4)
    yield from wrapped(f"not in it: {', '.join(NOT_INCLUDED)}", first=2, indent=4)
    if one.not_counted:
        yield from wrapped(
            f"not counted: {'; '.join(one.not_counted)}", first=2, indent=4
        )


def rules(names: Sequence[str], linted: int) -> Iterator[str]:
    """Show which rules were applied; the evidence names them."""
    yield f"rules: {len(names)} of our own, and cfn-lint on {linted} resources"


def table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Lay out rows: a number in the third column, text to be wrapped in the last."""
    *widths, _ = [
        max(len(row[column]) for row in rows) for column in range(len(rows[0]))
    ]
    left = sum(widths) + 2 * len(widths)
    for row in rows:
        cells = [
            cell.rjust(width) if column == 2 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        first, *rest = textwrap.wrap(row[-1], WIDTH - left) or [""]
        yield f"{'  '.join(cells)}  {first}".rstrip()
        for line in rest:
            yield f"{' ' * left}{line}"


def wrapped(text: str, *, first: int = 0, indent: int = 2) -> list[str]:
    """Break a text at the width of a table, with the first line and others indented."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * first,
        subsequent_indent=" " * indent,
        drop_whitespace=True,
        break_on_hyphens=False,
    )


def _llm(one: Estimate) -> str:
    """Say what the language model costs beside, and what that assumes."""
    answer, extraction = loads.ANSWER, loads.EXTRACTION
    mark = "" if one.model.read else UNCONFIRMED
    return (
        f"language model apart: {mark}{one.llm_usd:,.2f} with {one.model.model}, for"
        f" {one.load.llm_requests:,} answers of {answer.prompt:,} + {answer.answer:,}"
        f" tokens and {one.load.extractions:,} extractions of"
        f" {extraction.prompt:,} + {extraction.answer:,}, assumed;"
        f" {mark}{one.llm_usd_at_most:,.2f} if it thinks"
        f" {loads.THINKING_TOKENS_MAX:,} tokens each time, the most that it may"
    )


def _region(one: Estimate) -> str:
    """Name the region, and the one whose prices stand for it."""
    if one.stack_region == one.region:
        return one.region
    return f"{one.stack_region} at the prices of {one.region}"


def _unconfirmed(one: Estimate) -> str:
    """Say what the mark means, and how much of the sum it touches."""
    return (
        f"{UNCONFIRMED} no source confirms this price for {one.region}:"
        f" {one.unconfirmed_usd:.2f} of {one.usd:.2f} rest on such prices; --json names"
        " the page to look at"
    )


def _numbers(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Lay out rows of numbers under a first column of text."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def _number(value: float) -> str:
    """Write an amount: whole if it is large, else with what matters of it."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3f}"


def _price(value: float) -> str:
    """Write a price with all of its digits, and at least two of them.

    >>> _price(0.2), _price(0.0000133334)
    ('0.20', '0.0000133334')
    """
    text = f"{value:.10f}".rstrip("0")
    whole, _, cents = text.partition(".")
    return f"{whole}.{cents.ljust(2, '0')}"
