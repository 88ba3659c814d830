"""The picture shows what the inputs say: who names whose ARN."""

from pathlib import Path

import pytest

from deploy.errors import UsageError
from deploy.planning import graph
from deploy.planning.components import Component
from infra.policies.resources import SECRET, Registered

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:llm"
OTHER = f"{QUEUE}-dead-letters"


def component(kind, name, inputs, **outputs) -> Component:
    resource = Registered(
        type="aws:sqs/queue:Queue", name=name, inputs=inputs, outputs=outputs
    )
    return Component(kind=kind, name=name, resources=(resource,), matters="")


COMPONENTS = [
    component("WorkQueue", "llm", {}, arn=QUEUE),
    component("WorkQueue", "dead", {}, arn=OTHER),
    component(
        "PythonService",
        "chat-send",
        {"environment": {SECRET: "", "value": {"variables": {"QUEUE": QUEUE}}}},
    ),
    component("PythonService", "sweeper", {"policy": f'{{"Resource": "{OTHER}"}}'}),
    component("Something", "else", {}),
]


def test_an_arrow_goes_to_whom_an_input_names_even_a_secret_one():
    assert graph.edges(COMPONENTS) == [("chat-send", "llm"), ("sweeper", "dead")]


def test_components_stand_in_the_column_of_their_kind():
    places = graph.places(COMPONENTS)

    assert places["llm"] == (3, 0.75)
    assert places["dead"] == (3, 0.25)
    assert places["else"][0] == len(graph.COLUMNS) - 1


def test_the_picture_names_every_component_and_no_secret(tmp_path):
    graph.draw(COMPONENTS, "stack test", tmp_path / "plan.svg")
    first = (tmp_path / "plan.svg").read_text()
    graph.draw(COMPONENTS, "stack test", tmp_path / "plan.svg")

    assert first == (tmp_path / "plan.svg").read_text()
    assert all(f"<!-- {each.name} -->" in first for each in COMPONENTS)
    assert QUEUE not in first


@pytest.mark.parametrize(
    ("name", "what"),
    [("plan.pdf", "must end with .svg or .png"), ("none/plan.svg", "no folder")],
)
def test_a_picture_that_cannot_be_written_is_told(tmp_path, name, what):
    with pytest.raises(UsageError, match=what):
        graph.check_path(Path(tmp_path, name))
