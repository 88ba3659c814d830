"""The catalog holds together, and with what stands outside of it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from deploy.paths import REPOSITORY
from infra.catalog.queues import QUEUES
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import SERVICES

FOLDERS = {service.folder for service in SERVICES}


def imported(folder: str) -> Iterator[tuple[Path, str]]:
    """Each import below a folder: the file and the module's full name."""
    for path in sorted((REPOSITORY / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield path, node.module or ""


def test_a_queue_is_bound_as_its_consumer_declares():
    concurrency = {each.folder: each.concurrency for each in SERVICES}

    for queue in QUEUES:
        assert queue.max_concurrency == concurrency[queue.consumer], queue.name


def test_queues_and_schedules_name_services_that_exist():
    assert {each.consumer for each in QUEUES} <= FOLDERS
    assert {each.service for each in SCHEDULES} <= FOLDERS


def test_a_service_has_at_most_one_schedule():
    # The handling of failed invocations belongs to the service's one alias.
    services = [each.service for each in SCHEDULES]

    assert len(services) == len(set(services))


def test_a_service_that_sends_to_a_topic_is_told_its_queue():
    topics = {each.topic for each in QUEUES}

    for service in SERVICES:
        assert set(service.sends_to) <= topics, service.folder
        for topic in service.sends_to:
            assert f"QUEUE_URL_{topic.upper()}" in service.settings


def test_the_period_of_a_schedule_is_that_of_its_expression():
    units = {"minute": 60, "hour": 3_600, "day": 86_400}

    for schedule in SCHEDULES:
        number, unit = re.fullmatch(
            r"rate\((\d+) (\w+?)s?\)", schedule.expression
        ).groups()
        assert int(number) * units[unit] == schedule.period_s, schedule.name


def test_functions_import_neither_infra_nor_deploy():
    for path, module in imported("functions"):
        assert module.partition(".")[0] not in {"infra", "deploy"}, path


def test_a_function_imports_no_other_function():
    for path, module in imported("functions"):
        inside = path.relative_to(REPOSITORY / "functions").parts[0]
        parts = module.split(".")
        if parts[0] == "functions" and len(parts) > 1 and inside in FOLDERS:
            assert parts[1] in {inside, "shared", "routes"}, path


def test_infra_imports_no_function():
    for path, module in imported("infra"):
        assert module.partition(".")[0] != "functions", path


def test_the_catalog_imports_only_the_standard_library_and_itself():
    for path, module in imported("infra/catalog"):
        allowed = {"dataclasses", "collections", "math", "typing", "infra"}
        assert module.partition(".")[0] in allowed, path
        assert not module.startswith("infra") or module.startswith("infra.catalog")
