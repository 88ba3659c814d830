"""The tasks that look into the database, each in one read-only transaction.

They are ``db.index-usage``, ``db.table-sizes``, ``db.hot-queries`` and ``db.bloat``.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from deploy import console, run
from deploy.checklist import Result, Status, Step
from deploy.commands import Output
from deploy.deployment import Deployment
from deploy.errors import ExitCode, UsageError
from deploy.options import number

if TYPE_CHECKING:
    from deploy.inspection.access import Connection

DAYS = (1, 3650)

Look = Callable[["Connection"], Iterator[Result]]


def index_usage(stack: str, days: str, out: Output, *, strict: bool) -> int:
    """Judge each index; give the exit code."""

    def look(connection: "Connection") -> Iterator[Result]:
        from deploy.inspection import index_usage as usage

        yield from usage.look(connection, trusted)

    with run.ending("db.index-usage", stack, as_json=out.as_json, debug=out.debug):
        trusted = number("--days", days, DAYS, "db.index-usage")
        return _run("db.index-usage", stack, ("indexes", look), out, strict=strict)


def table_sizes(stack: str, out: Output, *, strict: bool) -> int:
    """Show the sizes of the tables; give the exit code."""

    def look(connection: "Connection") -> Iterator[Result]:
        from deploy.inspection import table_sizes as sizes

        yield from sizes.look(connection)

    with run.ending("db.table-sizes", stack, as_json=out.as_json, debug=out.debug):
        return _run("db.table-sizes", stack, ("sizes", look), out, strict=strict)


def hot_queries(stack: str, name: str, out: Output, *, strict: bool) -> int:
    """Hold the hot queries to their budgets; give the exit code."""

    def look(connection: "Connection") -> Iterator[Result]:
        from deploy.inspection import hot_queries as queries

        yield from queries.look(connection, name)

    with run.ending("db.hot-queries", stack, as_json=out.as_json, debug=out.debug):
        _check_name(name)
        return _run("db.hot-queries", stack, ("queries", look), out, strict=strict)


def bloat(stack: str, out: Output, *, exact: bool, strict: bool) -> int:
    """Show what vacuum has to do and what holds it back; give the exit code."""

    def look(connection: "Connection") -> Iterator[Result]:
        from deploy.inspection import bloat as bloated

        yield from bloated.look(connection, exact=exact)

    with run.ending("db.bloat", stack, as_json=out.as_json, debug=out.debug):
        return _run("db.bloat", stack, ("bloat", look), out, strict=strict)


def _run(
    task: str, stack: str, step: tuple[str, Look], out: Output, *, strict: bool
) -> int:
    """Look in one transaction, show what was seen, give the exit code."""
    from deploy.inspection.access import looking

    name, look = step

    def body(deployment: Deployment) -> Iterator[Result]:
        with looking(deployment.database_url(), f"looking ({task})") as connection:
            yield from look(connection)

    progress = console.Progress()
    deployment = Deployment(stack=stack, progress=progress.say)
    report = run.checklist(
        task,
        deployment,
        [Step(id=name, title="look at the database", run=body, verifies=True)],
        progress,
        judge=_strict if strict else run.verify_judge,
    )
    console.show(report, as_json=out.as_json, evidence=out.evidence)
    return int(report.exit_code)


def _strict(results: Sequence[Result], code: ExitCode) -> ExitCode:
    """Give ``NOT_VERIFIED`` for a warning as well."""
    if code is ExitCode.DONE and any(each.status is Status.WARN for each in results):
        return ExitCode.NOT_VERIFIED
    return run.verify_judge(results, code)


def _check_name(name: str) -> None:
    """Refuse ``--explain`` of what is not declared.

    Raises:
        UsageError: Names those that are.
    """
    from deploy.inspection.hot_paths import HOT_PATHS

    names = [path.name for path in HOT_PATHS]
    if name and name not in names:
        raise UsageError(
            f"no hot query named {name!r}; known: {', '.join(names)}."
            " Nothing was changed",
            remedy="./bootstrap db.hot-queries",
        )
