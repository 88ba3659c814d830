"""The task ``plan``."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {
        "out": "Write the plan into this file, for `deploy --apply`.",
        "graph": "Draw the components into this file, .svg or .png.",
        "check": "Exit 6 if something would change.",
    }
)
def plan(
    c: Context,
    stack: str = "local",
    out: str = "",
    graph: str = "",
    check: bool = False,
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Show what pulumi up would make, what changed, and what a month costs.

    Without the Pulumi CLI and without an account; nothing is changed.

    Examples: plan | plan --stack production --out plan.json | plan --check --json

    Exit codes: 0 done; 2 usage or configuration; 6 changes, with --check; 7 a rule or
    the linter found something.
    """
    from pathlib import Path

    from deploy.commands import Output
    from deploy.planning import commands

    request = commands.Request(
        stack=stack,
        out=Path(out).absolute() if out else None,
        graph=Path(graph).absolute() if graph else None,
        check=check,
    )
    output = Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(commands.plan(request, output))
