"""The tasks of the receipts."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(help=SHOWN | {"number": "Number of the receipt; 0 is the newest."})
def show(
    c: Context,
    number: int = 0,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Show the receipt of a deploy: each check, what it saw, how to undo it.

    Examples: receipt.show | receipt.show --number 3 --json
    """
    from deploy import commands, receipt_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(receipt_commands.show(stack, number, out))


@task(help=SHOWN)
def verify(
    c: Context,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Check that no receipt was edited or removed; exit 7 if one was.

    Examples: receipt.verify | receipt.verify --stack production --json
    """
    from deploy import commands, receipt_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(receipt_commands.verify(stack, out))
