"""The task that looks ahead."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    positional=[],
    iterable=["limit"],
    help=SHOWN
    | {
        "horizon_days": "Days to look ahead, 7 to 1825.",
        "within_days": "Fail if a limit is most likely reached in so many days; 90.",
        "limit": "Try another limit, e.g. database_bytes=16GiB; may be repeated.",
        "plot": "Write the plot to this file, .png or .svg.",
    },
)
def forecast(
    c: Context,
    limit: list[str],
    horizon_days: str = "365",
    within_days: str = "",
    plot: str = "",
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Say when a limit is reached, what would help, and the cheapest step.

    Reads the hourly snapshots; changes nothing. Days stand as: most likely (not before
    to not after), 9 of 10 futures in between.

    Examples: db.forecast | db.forecast --stack production --plot growth.png |
    db.forecast --limit database_bytes=16GiB --horizon-days 730 | db.forecast --json

    Exit codes: 0 no limit is near; 2 usage; 4 the database does not answer; 7 a limit
    is most likely reached within --within-days.
    """
    from deploy.commands import Output
    from deploy.forecast import asking, commands

    out = Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(
        commands.forecast(
            stack,
            lambda: asking.typed(horizon_days, within_days, limit, plot),
            out,
        )
    )
