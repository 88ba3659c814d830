"""The tasks of the secrets."""

from invoke.context import Context
from invoke.tasks import task

from deploy.tasks.shown import SHOWN


@task(help=SHOWN)
def check(
    c: Context,
    stack: str = "local",
    json: bool = False,
    evidence: bool = False,
    debug: bool = False,
) -> None:
    """Compare the secrets of the functions with what is configured; show none.

    Digests are compared: of the configuration, of the last deploy, of each function.

    Examples: secrets.check | secrets.check --stack production --json

    Exit codes: 0 equal; 2 usage; 3 no rights; 4 failed; 6 a secret differs.
    """
    from deploy import commands, secret_commands

    out = commands.Output(as_json=json, evidence=evidence, debug=debug)
    raise SystemExit(secret_commands.check(stack, out))
