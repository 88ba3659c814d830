"""Whether the aliases are where the engine's state has them: a way back moves them.

A withdrawn release, and a rollback, move aliases on Lambda and not in the engine's
state. It would take the old code for the new one, and leave it live for ever.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy import account
from deploy.deployment import Deployment
from deploy.engine.workspace import Engine, exported

ALIAS_TYPE = "aws:lambda/alias:Alias"


def moved(deployment: Deployment, engine: Engine) -> tuple[str, ...]:
    """Name the functions whose alias is not where the state has it.

    Asks Lambda for one alias after the other, and for none before the first deploy.

    Raises:
        DeployError: The state cannot be read, or AWS refuses.
    """
    recorded = list(_recorded(exported(deployment, engine)))
    if not recorded:
        return ()
    deployment.progress("looking where the aliases are")
    functions = account.client(deployment, "lambda")
    gone = functions.exceptions.ResourceNotFoundException
    found = []
    for function, alias, version in recorded:
        with account.explained(deployment, f"alias {alias} of function {function}"):
            try:
                live = functions.get_alias(FunctionName=function, Name=alias)
            except gone:
                live = {}
        if live.get("FunctionVersion") != version:
            found.append(function)
    return tuple(found)


def _recorded(state: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Give function, alias and version of each alias in a state."""
    for each in state.get("resources") or ():
        # What a replacement left to be deleted is no alias that anybody calls.
        if each["type"] == ALIAS_TYPE and not each.get("delete"):
            known = each["outputs"]
            yield known["functionName"], known["name"], known["functionVersion"]
