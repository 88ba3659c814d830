"""What a cold start imports: bounded, and nothing that only some requests need."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.catalog.services import SERVICES

DENIED = {
    "boto3",
    "botocore",
    "pydantic",
    "starlette",
    "uvicorn",
    "openai",
    "google.genai",
    "httpx",
    "httpx2",
    "requests",
    "urllib3",
    "psycopg_pool",
    "redis",
    "limits",
}
BEYOND_PSYCOPG = 60
"""Modules that a service may import beyond those of psycopg alone: 30 to 55 on Python
3.11, of which 15 are msgspec's and 20 PyJWT's."""

FUNCTIONS = Path(__file__).parents[3] / "functions"


def imported(module: str) -> set[str]:
    """Import a module in a fresh process; give what it loaded."""
    # PyJWT imports cryptography where it is installed; no zip but llm_handler's, which
    # has no PyJWT, has it.
    program = (
        "import sys, json; sys.modules['cryptography'] = None;"
        f" import {module}; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


@pytest.fixture(scope="module")
def of_psycopg() -> set[str]:
    return imported("psycopg")


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.folder)
def test_a_cold_start_imports_little_more_than_psycopg(service, of_psycopg):
    loaded = imported(f"functions.{service.folder}.handler")

    assert loaded & DENIED == set()
    assert len(loaded - of_psycopg) <= BEYOND_PSYCOPG


def test_making_a_store_of_limits_imports_no_client_of_redis():
    program = (
        "from functions.shared.limits.stores import limiter; import sys, json;"
        " limiter('postgres', redis_url='', database=None);"
        " print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(json.loads(done.stdout)) & DENIED == set()


def imports(path: Path) -> set[str]:
    """Give what a module imports, late imports included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return found


def test_functions_import_neither_infra_nor_deploy():
    tops = {
        name.partition(".")[0]
        for path in FUNCTIONS.rglob("*.py")
        for name in imports(path)
    }

    assert tops & {"infra", "deploy", "tests"} == set()


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.folder)
def test_a_service_imports_no_other_service(service):
    others = {f"functions.{other.folder}" for other in SERVICES if other != service}
    found = {
        name
        for path in (FUNCTIONS / service.folder).rglob("*.py")
        for name in imports(path)
        if any(name == other or name.startswith(f"{other}.") for other in others)
    }

    assert found == set()


def test_shared_code_imports_no_service():
    services = tuple(f"functions.{service.folder}" for service in SERVICES)
    found = {
        name
        for path in (FUNCTIONS / "shared").rglob("*.py")
        for name in imports(path)
        if name.startswith(services)
    }

    assert found == set()
