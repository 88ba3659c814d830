"""docs/openapi.json: as the code has it, and complete."""

import json

import pytest

from deploy import openapi
from deploy.openapi.operations import OPERATIONS
from functions.routes import ROUTES


@pytest.fixture(scope="module")
def document() -> dict:
    return json.loads(openapi.render())


def test_the_file_is_as_the_code_has_it():
    assert openapi.DOCUMENT.read_text(encoding="utf-8") == openapi.render(), (
        "./bootstrap openapi writes it"
    )


def test_every_route_is_described():
    assert {operation.route for operation in OPERATIONS} == set(ROUTES)


def test_a_body_follows_its_type(document):
    message = document["components"]["schemas"]["NewMessage"]

    assert message["additionalProperties"] is False
    assert message["properties"]["text"]["maxLength"] == 8_000
    assert message["properties"]["text"]["description"].startswith("1 to 8,000")


def test_a_parameter_follows_its_type(document):
    get = document["paths"]["/functions/v1/chat-history"]["get"]
    parameters = {each["name"]: each for each in get["parameters"]}

    assert parameters["chat_id"]["required"]
    assert parameters["limit"]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 50,
    }
    assert parameters["before"]["schema"] == {
        "type": "string",
        "pattern": "^[A-Za-z0-9_-]{32}$",
        "maxLength": 32,
    }


def test_every_answer_with_an_error_is_a_problem(document):
    for path in document["paths"].values():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                if status >= "400" and "application/json" not in answer["content"]:
                    assert list(answer["content"]) == ["application/problem+json"]


def test_every_reference_is_there(document):
    def references(value) -> set[str]:
        if isinstance(value, dict):
            found = {value["$ref"]} if "$ref" in value else set()
            return found.union(*map(references, value.values()))
        if isinstance(value, list):
            return set().union(*map(references, value))
        return set()

    for reference in references(document):
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def test_a_file_that_differs_is_an_exit_of_6(tmp_path, monkeypatch, capsys):
    other = tmp_path / "docs" / "openapi.json"
    other.parent.mkdir()
    other.write_text("{}\n")
    monkeypatch.setattr(openapi, "DOCUMENT", other)
    monkeypatch.setattr(openapi, "REPOSITORY", tmp_path)

    assert openapi.run(check=True, as_json=False) == 6
    assert other.read_text() == "{}\n"
    assert "docs/openapi.json: differs; ./bootstrap openapi writes it" in (
        capsys.readouterr().out
    )
    assert openapi.run(check=False, as_json=False) == 0
    assert openapi.run(check=True, as_json=False) == 0


def test_the_document_is_printed_as_it_is(capsys):
    assert openapi.run(check=True, as_json=True) == 0

    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.0"
