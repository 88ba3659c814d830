"""How resources hang together: who stands behind an ARN."""

from typing import Any

from infra.policies.resources import Registered, Resources, is_known, is_secret


def function_of(resources: Resources, mapping: Registered) -> Registered | None:
    """Give the function behind a mapping's alias; ``None`` while it is unknown."""
    arn = mapping.get("functionName")
    alias = resources.find("lambda/alias:Alias", arn=arn) if is_known(arn) else None
    name = alias.get("functionName") if alias else None
    return resources.find("lambda/function:Function", name=name) if name else None


def role_name(resources: Resources, function: Registered) -> object:
    """Give the name of a function's role."""
    return name_of_role(resources, function.get("role"))


def name_of_role(resources: Resources, arn: object) -> object:
    """Give the name of a role; ``None`` if it is not of this stack."""
    role = role_of(resources, arn)
    return role.get("name") if role else None


def role_of(resources: Resources, arn: object) -> Registered | None:
    """Give the role of an ARN; ``None`` if it is not of this stack, or unknown."""
    if not arn or not is_known(arn):
        return None
    return resources.find("iam/role:Role", arn=arn)


def variables(function: Registered) -> dict[str, object]:
    """Give a function's environment variables; none while they are unknown."""
    environment = function.get("environment")
    found: Any = environment.get("variables") if isinstance(environment, dict) else None
    if is_secret(found):
        found = found["value"]
    return dict(found) if isinstance(found, dict) else {}
