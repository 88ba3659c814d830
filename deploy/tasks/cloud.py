"""The tasks about a cloud account."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(
    help={
        "account": "Number of the AWS account, twelve digits; * leaves it open.",
        "stack": "The cloud stack; its file says what is needed.",
        "json": SHOWN["json"],
        "debug": SHOWN["debug"],
    }
)
def rights(
    c: Context,
    account: str = "*",
    stack: str = "production",
    json: bool = False,
    debug: bool = False,
) -> None:
    """Write the IAM policy of whoever deploys a stack, and the token's permissions.

    From what the stack's program declares, without an account. The policy goes to
    stdout, notes to stderr.

    Examples: cloud.rights --account 123456789012 > deployer.json | cloud.rights --json

    Exit codes: 0 done; 2 the stack has no file, or its configuration is wrong.
    """
    from deploy.planning import rights_command

    raise SystemExit(rights_command.show(stack, account, as_json=json, debug=debug))
