"""Rules on SSM parameters."""

from collections.abc import Iterator

from infra.policies.resources import Finding, Resources, Rule, is_known, is_secret


def parameters_are_encrypted_with_our_key(resources: Resources) -> Iterator[Finding]:
    """Find parameters that whoever may read them reads in plain text."""
    for parameter in resources.of("ssm/parameter:Parameter"):
        key = parameter.get("keyId")
        if parameter.get("type") != "SecureString":
            what = f"type {parameter.get('type')}: whoever may read it needs no key"
            yield parameter.finding(parameters_are_encrypted_with_our_key, what)
        elif is_known(key) and resources.find("kms/key:Key", arn=key) is None:
            what = "not encrypted with a key of the stack"
            yield parameter.finding(parameters_are_encrypted_with_our_key, what)


def parameters_are_secret(resources: Resources) -> Iterator[Finding]:
    """Find parameters whose value would stand in the state in plain text."""
    for parameter in resources.of("ssm/parameter:Parameter"):
        if not is_secret(parameter.inputs.get("value")):
            what = "its value would stand in the stack's state in plain text"
            yield parameter.finding(parameters_are_secret, what)


RULES: tuple[Rule, ...] = (
    parameters_are_encrypted_with_our_key,
    parameters_are_secret,
)
