"""The rules as a table of docs/cdn.md: ``python -m infra.edge.document`` writes it."""

from collections.abc import Sequence
from pathlib import Path

from infra.catalog.cdn import DAY_S, EDGE_RULES, HOUR_S, EdgeRule

DOCUMENT = Path(__file__).parents[2] / "docs" / "cdn.md"
BEGIN = "<!-- rules: written by infra/edge/document.py -->"
END = "<!-- /rules -->"


def render(rules: Sequence[EdgeRule] = EDGE_RULES) -> str:
    """Write the table, the rule that counts first on top."""
    lines = [
        "| rule | objects | the CDN keeps them | browsers do | tags of a purge |",
        "|---|---|---|---|---|",
    ]
    for rule in rules:
        objects = f"`{rule.bucket}/*{rule.suffix}`"
        case = ", in any case" if rule.suffix else ""
        tags = ", ".join(f"`{tag}`" for tag in rule.tags)
        lines.append(
            f"| `{rule.name}` | {objects}{case} | {lasting(rule.edge_ttl_s)}"
            f" | {lasting(rule.browser_ttl_s)} | {tags} |"
        )
    return "\n".join(lines)


def lasting(seconds: int) -> str:
    """Say how long that is.

    >>> lasting(604_800), lasting(86_400), lasting(7_200), lasting(90)
    ('7 days', '1 day', '2 hours', '90 seconds')
    """
    for unit_s, name in ((DAY_S, "day"), (HOUR_S, "hour"), (1, "second")):
        if seconds % unit_s == 0:
            count = seconds // unit_s
            return f"{count} {name}{'' if count == 1 else 's'}"
    raise ValueError(f"must be whole seconds, got {seconds}")


def written() -> str:
    """Give the table between its marks."""
    return f"{BEGIN}\n{render()}\n{END}"


def main() -> None:
    """Write the table into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(before + written() + after, encoding="utf-8")


if __name__ == "__main__":
    main()
