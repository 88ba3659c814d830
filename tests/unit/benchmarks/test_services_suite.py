"""The benchmark of the services: its groups, and the environment that it gives."""

from importlib import import_module

import pytest

from benchmarks import services
from benchmarks.cluster import Database
from benchmarks.services import plan_pattern
from benchmarks.services.load import wrk
from benchmarks.services.settings import variables
from deploy import bench
from deploy.errors import DeployError
from deploy.local.facts import new_stack
from infra.catalog.services import SERVICES


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.folder)
def test_each_service_finds_what_it_reads(service, tmp_path):
    stack = new_stack(tmp_path, home=tmp_path)
    database = Database(url=stack.database_url, stack=stack, bindir=tmp_path)
    given = variables(database, url=stack.database_url, standin_url=stack.supabase_url)
    settings = import_module(f"functions.{service.folder}.settings").Settings

    assert settings.from_environ(given)


@pytest.mark.parametrize("group", services.GROUPS)
def test_each_group_measures(group):
    assert callable(import_module(f"benchmarks.services.{group}").measure)


def test_the_suite_is_listed_and_its_parts_are_not():
    assert "services" in bench.suites()
    assert not set(services.GROUPS) & set(bench.suites())


def test_a_missing_load_generator_is_told_with_the_command_that_installs_it(
    monkeypatch, tmp_path
):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(DeployError) as refused:
        wrk()

    assert refused.value.remedy == "sudo apt-get install -y wrk"


def test_the_plan_s_pattern_has_as_many_calls_as_were_counted_in_the_app():
    for_memories = plan_pattern.MEMORIES_USED * len(plan_pattern.USE_MEMORY)
    others = (*plan_pattern.ACCEPT, *plan_pattern.READ, *plan_pattern.ANSWER)

    assert len(others) + for_memories == 32
