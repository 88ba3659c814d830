"""The services' settings and routes agree with the catalog, which declares them."""

import importlib

import pytest

from functions.routes import ROUTES
from functions.shared.environment import Environment, SettingsError
from infra.catalog.services import SERVICES, Service

OF_ONE_FORM = {
    "LIMIT_STORE": "postgres",
    "EXTRACTION_POLICY": "sampled",
    "LLM_PRICES": '{"*": [1, 1]}',
}


class Recorder(dict):
    """An environment that remembers what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: set[str] = set()

    def get(self, name, default=None):
        self.read.add(name)
        return OF_ONE_FORM.get(name, "1")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.folder)
def test_a_service_reads_what_the_catalog_declares_and_nothing_else(service: Service):
    module = importlib.import_module(f"functions.{service.folder}.settings")
    environment = Recorder()

    module.Settings.from_environ(environment)

    assert environment.read == set(service.settings)


def test_the_routes_are_those_of_the_catalog():
    declared = {
        (service.folder, *service.route) for service in SERVICES if service.route
    }

    assert {(route.service, route.method, route.path) for route in ROUTES} == declared


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.folder)
def test_a_handler_stands_where_the_catalog_says(service: Service):
    module, _, name = service.handler.rpartition(".")

    assert callable(getattr(importlib.import_module(module), name))


def test_all_problems_of_an_environment_are_told_at_once():
    environment = Environment({"HITS": "many"})
    environment.required("DATABASE_URL")
    environment.integer("HITS", low=1)

    with pytest.raises(SettingsError) as caught:
        environment.check()

    assert str(caught.value) == (
        "environment: DATABASE_URL is not set;"
        " HITS must be a whole number from 1 up, got 'many'"
    )


def test_a_list_has_no_empty_parts():
    assert Environment({"O": " https://a , ,https://b,"}).items("O") == (
        "https://a",
        "https://b",
    )
