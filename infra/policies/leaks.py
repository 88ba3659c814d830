"""Rules on secrets anywhere: in inputs, in outputs, in plain text."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

from infra.naming import PROJECT
from infra.policies.resources import Finding, Resources, Rule, is_secret

SECRET_NAME = re.compile(
    r"(password|passphrase|secret|secretString|apiKey|accessKey|privateKey|authToken)$",
    re.IGNORECASE,
)
SECRET_TEXT = re.compile(
    r"[a-z][a-z+]*://[^/@\s:]*:[^/@\s]+@"  # a URI with a password
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\."  # a JWT
    r"|\bsk-[\w-]{16,}|\bAIza[\w-]{30,}"  # keys of OpenAI and Google
    r"|\bsb_secret_\w{8,}|\bsbp_\w{16,}"  # of Supabase
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY"
)
"""How secrets look that somebody may paste."""

SECRET_KEYS = frozenset(
    f"{PROJECT}:{key}"
    for key in (
        "alertWebhook",
        "databaseReplicaUrl",
        "databaseUrl",
        "geminiApiKey",
        "internalApiKey",
        "jwtSecret",
        "openaiApiKey",
        "purgeKey",
        "redisUrl",
        "supabaseServiceKey",
    )
)
"""Keys of the configuration whose values are secret; a test compares them with what
`StackConfig` reads. The engine may hand a configuration to a policy pack without saying
what of it is secret."""

LENGTH_MIN = 12
"""Characters of a secret that is searched for: a shorter one, such as the stand-in's
key of the local stack, occurs by chance."""


def no_input_has_a_secret_in_plain(resources: Resources) -> Iterator[Finding]:
    """Find secrets that would stand in the stack's state in plain text."""
    secrets = _searched(resources)
    for resource in resources:
        for path, text in _plain(resource.inputs, ""):
            if reason := _reason(path, text, secrets):
                what = f"{path} {reason}; the state would hold it in plain text"
                yield resource.finding(no_input_has_a_secret_in_plain, what)


def no_output_has_a_secret(resources: Resources) -> Iterator[Finding]:
    """Find secrets that `pulumi stack output` would show, or a receipt keep."""
    secrets = _searched(resources)
    for path, text in _plain(resources.outputs, ""):
        if reason := _reason(path, text, secrets):
            what = f"output {path} {reason}; whoever reads the outputs has it"
            yield Finding(path.partition(".")[0], no_output_has_a_secret.__name__, what)


def _searched(resources: Resources) -> set[str]:
    """Give the secrets of the configuration, and the passwords within them."""
    found = set(resources.secrets)
    for secret in resources.secrets:
        password = urlsplit(secret).password if "://" in secret else None
        found |= {password, unquote(password)} if password else set()
    return {each for each in found if len(each) >= LENGTH_MIN}


def _reason(path: str, text: str, secrets: set[str]) -> str:
    """Say why a text is a secret, without the text; empty if it is none."""
    if any(secret in text for secret in secrets):
        return "holds a secret of the configuration"
    if _looks_secret(text):
        return "looks like a secret"
    name = path.rpartition(".")[2]
    return "is named like a secret" if text and SECRET_NAME.search(name) else ""


@lru_cache(maxsize=4_096)
def _looks_secret(text: str) -> bool:
    """Tell by its form; the same texts come with every look at a stack."""
    return SECRET_TEXT.search(text) is not None


def _plain(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Walk through everything that is not wrapped as a secret."""
    if is_secret(value):
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _plain(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _plain(item, f"{path}[{number}]")
    elif isinstance(value, str):
        yield path, value


RULES: tuple[Rule, ...] = (no_input_has_a_secret_in_plain, no_output_has_a_secret)
