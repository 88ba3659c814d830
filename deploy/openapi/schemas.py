"""JSON schemas of msgspec types, described by the docstrings of their classes."""

import inspect
import re
from collections.abc import Sequence
from typing import Any

import msgspec

REFERENCE = "#/components/schemas/{name}"

_ATTRIBUTES = re.compile(r"\n\s*Attributes:\n")
_ATTRIBUTE = re.compile(r"(?m)^(?P<name>\w+):\s+(?P<text>.+(?:\n +.+)*)")


class Schemas:
    """The schemas of some types, with those that they refer to.

    Args:
        types: Structs; their names are the names of the schemas.
    """

    def __init__(self, types: Sequence[type[msgspec.Struct]]) -> None:
        _, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
        self.components = {
            name: _described(schema) for name, schema in components.items()
        }

    def any_of(self, wanted: Sequence[type[msgspec.Struct]]) -> dict[str, Any]:
        """Refer to the schema of a struct, or to those of some."""
        references = [{"$ref": REFERENCE.format(name=each.__name__)} for each in wanted]
        return references[0] if len(references) == 1 else {"anyOf": references}

    def parameters(self, query: type[msgspec.Struct]) -> list[dict[str, Any]]:
        """Give the parameters of a query that a struct describes; drops its schema."""
        schema = self.components.pop(query.__name__)
        required = schema.get("required", [])
        return [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "description": about.pop("description", ""),
                "schema": _without_null(about),
            }
            for name, about in schema["properties"].items()
        ]


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Move what a docstring says of the attributes to the properties."""
    text, *rest = _ATTRIBUTES.split(inspect.cleandoc(schema.get("description", "")))
    described = {**schema, "description": _plain(text)}
    properties = dict(schema.get("properties", {}))
    for match in _ATTRIBUTE.finditer(inspect.cleandoc(rest[0]) if rest else ""):
        name = match["name"]
        if name in properties:
            properties[name] = {
                **properties[name],
                "description": _plain(match["text"]),
            }
    if properties:
        described["properties"] = properties
    return described


def _plain(text: str) -> str:
    """Give the prose of a docstring without its line breaks and marks."""
    prose = re.sub(r"\s*\n\s*", " ", text.strip())
    return prose.replace("``None``", "null").replace("``", "`")


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of a parameter: absent is not null in a URL."""
    kept = {name: value for name, value in schema.items() if name != "anyOf"}
    if kept.get("default", ...) is None:
        del kept["default"]
    for choice in schema.get("anyOf", []):
        if choice != {"type": "null"}:
            kept |= choice
    return kept
