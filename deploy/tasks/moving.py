"""The task of the move to our functions."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help=SHOWN
    | {"percent": "A share to think of: what it means, how to get there and back."}
)
def cutover(
    c: Context,
    percent: str = "",
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Show which share of users is ours and ask the front who answers; change nothing.

    Examples: cutover --stack production | cutover --percent 5 --stack production

    Exit codes: 0 as configured; 2 usage or configuration; 7 somebody else answers.
    """
    from deploy import commands
    from deploy.cutover import commands as cutover_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(cutover_commands.cutover(stack, percent, out))
