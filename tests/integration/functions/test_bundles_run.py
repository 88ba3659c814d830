"""The real zips: they import in a bare interpreter; a rebuild gives the same bytes."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from deploy import bundle_dependencies
from deploy.bundles import (
    Bundle,
    BundleTarget,
    build,
    build_all,
    cloud_target,
    host_target,
)
from deploy.errors import DeployError
from infra.catalog.services import CHAT_SEND, LLM_HANDLER, SERVICES, Service

pytestmark = pytest.mark.integration

DENIED = {"boto3", "botocore", "pydantic", "openai", "google.genai", "cryptography"}
ZIP_MB_MAX = {"llm-handler": 50, "extract-memory": 50}
SMALL_ZIP_MB = 7
EM_AARCH64 = b"\xb7\x00"


@pytest.fixture(scope="module")
def target() -> BundleTarget:
    return host_target()


@pytest.fixture(scope="module")
def built(target, tmp_path_factory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("dist")
    made = build_all(SERVICES, target, folder, lambda _: None)
    return {bundle.service: bundle for bundle in made}


@pytest.fixture(scope="module")
def unzipped(built, tmp_path_factory) -> dict[str, Path]:
    folders = {}
    for name, bundle in built.items():
        folders[name] = tmp_path_factory.mktemp(name)
        with zipfile.ZipFile(bundle.path) as archive:
            archive.extractall(folders[name])
    return folders


def run(target: BundleTarget, folder: Path, program: str) -> str:
    """Run a program in an interpreter that has the zip and the standard library."""
    # -I and -S leave out site-packages: the emulator's have packages of their own.
    done = subprocess.run(
        [
            str(target.interpreter),
            *("-I", "-S", "-B", "-c"),
            f"import sys; sys.path.insert(0, {str(folder)!r}); {program}",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_imports_with_nothing_but_its_zip(service: Service, target, unzipped):
    module = f"functions.{service.folder}.handler"
    program = (
        f"import json, {module}; from {module} import handle;"
        f" print(json.dumps([{module}.__file__, {module}.__cached__, *sys.modules]))"
    )

    file, cached, *loaded = json.loads(run(target, unzipped[service.name], program))

    assert file.startswith(str(unzipped[service.name]))
    assert Path(cached).exists()
    assert set(loaded) & DENIED == set()


def test_the_sdks_import_when_they_are_needed(target, unzipped):
    program = (
        "from functions.shared.providers import gemini, openai_compatible;"
        " gemini.Gemini('k', ''); openai_compatible.OpenAiCompatible('k', '')"
    )

    run(target, unzipped[LLM_HANDLER.name], program)


def test_a_zip_answers_a_request_of_the_function_url(target, unzipped):
    event = {
        "rawPath": "/functions/v1/chat-send",
        "headers": {},
        "requestContext": {"http": {"method": "POST"}, "requestId": "r"},
        "body": "{}",
    }
    settings = {
        "DATABASE_URL": "postgresql://127.0.0.1:9/none",
        "JWT_SECRET": "x" * 32,
        "CHAT_LIMIT_HITS": "60",
        "CHAT_LIMIT_WINDOW_S": "3600",
    }
    program = (
        f"import os, json; os.environ.update({settings!r});"
        " from functions.chat_send.handler import handle;"
        f" print(json.dumps(handle({event!r}, None)))"
    )

    answer = json.loads(run(target, unzipped[CHAT_SEND.name], program))

    assert answer["statusCode"] == 401
    assert answer["headers"]["www-authenticate"] == "Bearer"


def test_the_zips_are_small_enough(built):
    sizes = {name: bundle.size / 1e6 for name, bundle in built.items()}

    assert all(
        size < ZIP_MB_MAX.get(name, SMALL_ZIP_MB) for name, size in sizes.items()
    ), sizes


def test_a_second_build_gives_the_same_bytes(target, built, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle_dependencies, "CACHE", tmp_path / "dependencies")

    again = build(CHAT_SEND, target, tmp_path)

    assert again.built
    assert again.path.read_bytes() == built[CHAT_SEND.name].path.read_bytes()


def test_a_zip_for_the_cloud_is_of_its_version_and_machine(tmp_path):
    try:
        target = cloud_target()
    except DeployError as error:
        pytest.skip(f"{error}; {error.remedy}")

    bundle = build(CHAT_SEND, target, tmp_path)

    with zipfile.ZipFile(bundle.path) as archive:
        names = archive.namelist()
        machines = {
            archive.read(name)[18:20] for name in names if ".so" in Path(name).suffixes
        }
    assert machines == {EM_AARCH64}
    assert "functions/chat_send/__pycache__/handler.cpython-313.pyc" in names
