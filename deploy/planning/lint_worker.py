"""The process of the linter: a template on stdin, messages on stdout, both as JSON.

It imports nothing of ours, so that it is ready early.
"""

import json
import sys
from typing import Any

from cfnlint.api import ManualArgs, lint


def main() -> None:
    """Lint the template that comes on stdin."""
    request = json.loads(sys.stdin.read())
    sys.stdout.write(json.dumps(messages(request["template"], request["region"])))


def messages(template: dict[str, Any], region: str) -> list[str]:
    """Lint a template; give what is wrong, each with the name of its resource."""
    found = lint(json.dumps(template), config=ManualArgs(regions=[region]))
    return [f"{_resource(match)}: {match.message}" for match in found]


def _resource(match: object) -> str:
    """Name the resource that a finding is about."""
    path = list(getattr(match, "path", None) or [])
    return str(path[1]) if len(path) > 1 else "the template"


if __name__ == "__main__":
    main()
