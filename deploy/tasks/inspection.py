"""The tasks that look into the database; none of them changes anything."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN

STRICT = {"strict": "Exit 7 for a warning as well."}


@task(
    name="index-usage",
    help=SHOWN
    | STRICT
    | {"days": "Age of the statistics from which 0 scans mean unused; default 14."},
)
def index_usage(
    c: Context,
    stack: str = "local",
    days: str = "14",
    strict: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Judge each index: used, unused, duplicate, invalid, missing; safe to drop or not.

    Examples: db.index-usage | db.index-usage --days 30 --json

    Exit codes: 0 nothing is wrong; 7 an index is invalid or missing; 2 usage.
    """
    from deploy import commands, inspection_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(inspection_commands.index_usage(stack, days, out, strict=strict))


@task(name="table-sizes", help=SHOWN | STRICT)
def table_sizes(
    c: Context,
    stack: str = "local",
    strict: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Show the size of each table, its share, its rows, and how it grew.

    Examples: db.table-sizes | db.table-sizes --stack production --json

    Exit codes: 0 shown; 2 usage; 4 failed.
    """
    from deploy import commands, inspection_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(inspection_commands.table_sizes(stack, out, strict=strict))


@task(
    name="hot-queries",
    help=SHOWN | STRICT | {"explain": "Print the plan of this one, by its name."},
)
def hot_queries(
    c: Context,
    explain: str = "",
    stack: str = "local",
    strict: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Run the hot queries on your own data, read-only, and hold them to a budget.

    Shows times, buffers, rows and indexes; never the text of a message.

    Examples: db.hot-queries | db.hot-queries --explain memory-window

    Exit codes: 0 all within budget; 7 one is not, or reads a whole table; 2 usage.
    """
    from deploy import commands, inspection_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(
        inspection_commands.hot_queries(stack, explain, out, strict=strict)
    )


@task(
    help=SHOWN
    | STRICT
    | {"exact": "Measure dead space with pgstattuple, which reads the tables."}
)
def bloat(
    c: Context,
    stack: str = "local",
    exact: bool = False,
    strict: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Show dead rows, wasted space, and what holds vacuum back; name the command.

    Examples: db.bloat | db.bloat --exact --stack production

    Exit codes: 0 nothing is wrong; 7 vacuum is held back or far behind; 2 usage.
    """
    from deploy import commands, inspection_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(inspection_commands.bloat(stack, out, exact=exact, strict=strict))
