"""The real zips: they import in a bare interpreter; a rebuild gives the same bytes."""

import json
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest

from deploy import bundle_dependencies
from deploy.bundles import (
    Bundle,
    BundleTarget,
    build,
    cloud_target,
    host_target,
)
from deploy.errors import DeployError
from deploy.standin.signing import key_id, private_key
from infra.catalog.services import CHAT_SEND, LLM_HANDLER, SERVICES, Service

pytestmark = pytest.mark.integration

DENIED = {"boto3", "botocore", "pydantic", "openai", "google.genai", "cryptography"}
ZIP_MB_MAX = {"llm-handler": 50, "extract-memory": 50, "compress-image": 15}
SMALL_ZIP_MB = 6
JWKS_ZIP_MB_MAX = 11
REDIS_MB_MAX = 3
"""What the clients of Redis add: 2.6 MB when this was written."""
EM_AARCH64 = b"\xb7\x00"


@pytest.fixture(scope="module")
def target() -> BundleTarget:
    return host_target()


class Lazy(dict[str, Any]):
    """Makes what a test asks for: of several workers each needs only some zips."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, name: str) -> Any:
        self[name] = self.make(name)
        return self[name]


@pytest.fixture(scope="module")
def built(target, tmp_path_factory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("dist")
    services = {service.name: service for service in SERVICES}
    return Lazy(lambda name: build(services[name], target, folder))


@pytest.fixture(scope="module")
def unzipped(built, tmp_path_factory) -> dict[str, Path]:
    def unzip(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        with zipfile.ZipFile(built[name].path) as archive:
            archive.extractall(folder)
        return folder

    return Lazy(unzip)


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


def test_a_zip_decodes_an_image_in_a_process_of_its_own(target, unzipped):
    import pyvips

    png = pyvips.Image.black(64, 64).draw_circle(255, 32, 32, 20).pngsave_buffer()
    program = (
        "from functions.compress_image.decoder import compress;"
        "from functions.compress_image.limits import Aims, Limits;"
        f"print(compress({png!r}, Limits(), Aims()).forms[0].format)"
    )

    assert run(target, unzipped["compress-image"], program) == "webp\n"


def send(target: BundleTarget, folder: Path, token: str = "", **settings: str) -> dict:
    """Send a body without fields to chat_send's zip; give the answer."""
    event = {
        "rawPath": "/functions/v1/chat-send",
        "headers": {"Authorization": f"Bearer {token}"},
        "requestContext": {"http": {"method": "POST"}, "requestId": "r"},
        "body": "{}",
    }
    settings |= {
        "DATABASE_URL": "postgresql://127.0.0.1:9/none",
        "JWT_SECRET": "x" * 32,
        "CHAT_LIMIT_HITS": "60",
        "CHAT_LIMIT_WINDOW_S": "3600",
        "LIMIT_STORE": "postgres",
        "EXTRACTION_POLICY": "sampled",
    }
    program = (
        f"import os, json; os.environ.update({settings!r});"
        " from functions.chat_send.handler import handle;"
        f" print(json.dumps(handle({event!r}, None)))"
    )
    return json.loads(run(target, folder, program))


def test_a_zip_answers_a_request_of_the_function_url(target, unzipped):
    answer = send(target, unzipped[CHAT_SEND.name])

    assert answer["statusCode"] == 401
    assert answer["headers"]["www-authenticate"] == "Bearer"


def test_the_zips_are_small_enough(built):
    sizes = {each.name: built[each.name].size / 1e6 for each in SERVICES}

    assert all(
        size < ZIP_MB_MAX.get(name, SMALL_ZIP_MB) for name, size in sizes.items()
    ), sizes


@pytest.fixture(scope="module")
def with_jwks(target, tmp_path_factory) -> tuple[Bundle, Path]:
    """chat_send's zip for a stack that checks tokens by public keys, and unpacked."""
    folder, unpacked = (tmp_path_factory.mktemp(name) for name in ("jwks", "unpacked"))
    bundle = build(CHAT_SEND, replace(target, extras=frozenset({"jwks"})), folder)
    with zipfile.ZipFile(bundle.path) as archive:
        archive.extractall(unpacked)
    return bundle, unpacked


def test_a_zip_with_jwks_checks_a_signature_by_a_fetched_key(
    target, with_jwks, standin
):
    def status(pair: int) -> int:
        claims = {"sub": str(uuid4()), "aud": "authenticated", "exp": 4_000_000_000}
        headers = {"kid": key_id(pair)}
        signed = jwt.encode(
            claims, private_key(standin.facts, pair), "ES256", headers=headers
        )
        url = f"{standin.url}/auth/v1/.well-known/jwks.json?keys=1"
        return send(target, with_jwks[1], signed, JWKS_URL=url)["statusCode"]

    # The first passes and its body is refused; the second's key is not published.
    assert (status(1), status(2)) == (400, 401)


def test_a_zip_without_jwks_says_what_it_lacks(target, unzipped):
    with pytest.raises(AssertionError, match="built without cryptography"):
        send(target, unzipped[CHAT_SEND.name], JWKS_URL="https://app.test/keys")


def test_a_zip_with_jwks_is_small_enough(with_jwks):
    assert with_jwks[0].size <= JWKS_ZIP_MB_MAX * 1e6


@pytest.fixture(scope="module")
def with_redis(target, tmp_path_factory) -> tuple[Bundle, Path]:
    """chat_send's zip for a stack with a Redis, and unpacked."""
    folder, unpacked = (tmp_path_factory.mktemp(name) for name in ("redis", "unpacked"))
    bundle = build(CHAT_SEND, replace(target, extras=frozenset({"redis"})), folder)
    with zipfile.ZipFile(bundle.path) as archive:
        archive.extractall(unpacked)
    return bundle, unpacked


COUNT = """
from functions.shared.limits import Limit
from functions.shared.limits.stores import store
limits = store("redis", redis_url={url!r}, database=None)
limit = Limit(scope="chat", hits=2, window_s=60)
print([limits.hit(limit, "ann").is_admitted for _ in range(3)])
"""


def test_a_zip_with_redis_counts_hits_there(target, with_redis, redis_server):
    program = f"exec({COUNT.format(url=redis_server.url)!r})"

    assert run(target, with_redis[1], program) == "[True, True, False]\n"


def test_a_zip_without_redis_says_what_it_lacks(target, unzipped):
    program = f"exec({COUNT.format(url='redis://127.0.0.1:1/0')!r})"

    with pytest.raises(AssertionError, match="built without the clients of Redis"):
        run(target, unzipped[CHAT_SEND.name], program)


def test_redis_makes_a_zip_at_most_so_much_larger(built, with_redis):
    more = with_redis[0].size - built[CHAT_SEND.name].size

    assert 0 < more <= REDIS_MB_MAX * 1e6


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
