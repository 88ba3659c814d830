"""Commands of other people's jobs, fit to be shown: they may carry keys.

A job that calls a function over HTTP often has a bearer token in its command, and what
a check shows ends up in receipts and in logs.
"""

import re

HIDDEN = "***"

_SECRETS = (
    (re.compile(r"(?i)\b((?:bearer|basic)\s+)[^\s'\",)}]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), HIDDEN),
    (re.compile(r"\bsb(?:p|_secret|_publishable)_[\w-]+"), HIDDEN),
    (re.compile(r"(://[^\s:/@']+:)[^\s@']+@"), rf"\1{HIDDEN}@"),
    # name = 'value', name := value, "name": "value", 'name', 'value'
    (
        re.compile(
            r"(?i)([\w-]*(?:api_?key|password|secret|token)[\w-]*"
            r"['\"]?\s*(?::=|=>|[:=,])\s*+['\"]?+)"
            r"(?!(?:bearer|basic)\b)[^\s'\",;)}*]+"
        ),
        rf"\1{HIDDEN}",
    ),
)


def masked(command: str) -> str:
    """Give a command without what looks like a key.

    >>> masked("select net.http_get('https://x.example', 'Bearer abc')")
    "select net.http_get('https://x.example', 'Bearer ***')"
    """
    for pattern, shown in _SECRETS:
        command = pattern.sub(shown, command)
    return command
