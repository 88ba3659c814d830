"""The task ``openapi``: describe the functions as OpenAPI 3.1, from their own types."""

import difflib
import json

from deploy import console
from deploy.errors import ExitCode
from deploy.openapi.document import document
from deploy.paths import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "openapi.json"
SHOWN_LINES = 40


def run(*, check: bool, as_json: bool) -> int:
    """Write ``docs/openapi.json``, or compare it with the code.

    Args:
        check: Compare only.
        as_json: Print the document itself on stdout.

    Returns:
        The exit code: 6 if the file differs and was only compared.
    """
    text = render()
    written = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    name = DOCUMENT.relative_to(REPOSITORY)
    is_current = written == text
    if not (check or is_current):
        DOCUMENT.write_text(text, encoding="utf-8")
    if as_json:
        console.say_lines([text.rstrip("\n")])
    elif is_current:
        console.say_lines([f"{name}: as the code has it"])
    elif not check:
        console.say_lines([f"{name}: written"])
    else:
        changes = difflib.unified_diff(
            written.splitlines(), text.splitlines(), str(name), "the code", lineterm=""
        )
        shown = list(changes)[:SHOWN_LINES]
        console.say_lines([*shown, f"{name}: differs; ./bootstrap openapi writes it"])
    return int(ExitCode.CHANGES if check and not is_current else ExitCode.DONE)


def render() -> str:
    """Give the text of the file: the same for the same types."""
    return json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
