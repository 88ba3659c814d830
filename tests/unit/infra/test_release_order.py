"""In what order the engine publishes the services and moves their aliases."""

from collections.abc import Mapping

import pulumi
import pytest
from infra_recording import record

from deploy.planning.recording import whole_program
from infra.catalog.services import SERVICES

FUNCTION, ALIAS = "aws:lambda/function:Function", "aws:lambda/alias:Alias"


@pytest.fixture(params=[False, True], ids=["update", "preview"])
def dependencies(request, monkeypatch) -> Mapping[str, set[str]]:
    """What each resource waits for, both by ``<type> <name>``."""
    found: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    register = pulumi.runtime.mocks.MockMonitor.RegisterResource

    def recorded(monitor, asked):
        answer = register(monitor, asked)
        names[answer.urn] = label = f"{asked.type} {asked.name}"
        found[label] = {names.get(urn, urn) for urn in asked.dependencies}
        return answer

    monkeypatch.setattr(pulumi.runtime.mocks.MockMonitor, "RegisterResource", recorded)
    record(whole_program, preview=request.param)
    return found


def test_no_alias_moves_before_every_function_of_the_set_is_published(dependencies):
    functions = {f"{FUNCTION} {each.name}" for each in SERVICES}

    for service in SERVICES:
        assert functions <= dependencies[f"{ALIAS} {service.name}-live"]


def test_no_function_waits_for_an_alias(dependencies):
    waits = dict(dependencies)
    for service in SERVICES:
        open_ends = {f"{FUNCTION} {service.name}"}
        reached: set[str] = set()
        while open_ends:
            reached |= open_ends
            behind = {more for one in open_ends for more in waits.get(one, ())}
            open_ends = behind - reached
        assert not [one for one in reached if one.startswith(ALIAS)]
