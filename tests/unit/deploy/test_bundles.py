"""Bundles: same inputs, same bytes; what changed is built again; errors help."""

import importlib.util
import os
import re
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from deploy import bundle_archive, bundle_dependencies, bundle_targets, bundles
from deploy.bundles import Bundle, BundleTarget, build, build_all, stale
from deploy.errors import DeployError
from deploy.paths import REPOSITORY
from infra.catalog.extras import EXTRAS, lock_name
from infra.catalog.services import CHAT_SEND, RELAY_OUTBOX, SERVICES, Service

TARGET = BundleTarget(
    python=f"{sys.version_info.major}.{sys.version_info.minor}",
    platform="x86_64-manylinux_2_28",
    interpreter=Path(sys.executable),
)


class FakeUv:
    """Installs a small library in place of uv; remembers what for."""

    def __init__(self) -> None:
        self.locks: list[str] = []

    def install(self, lock: Path, target: BundleTarget, tree: Path) -> None:
        self.locks.append(lock.read_text())
        library = tree / "library"
        library.mkdir(parents=True)
        (library / "__init__.py").write_text("VALUE = 'library'\n")
        (library / "native.cpython-313-aarch64-linux-gnu.so").write_bytes(b"\x7fELF")


@pytest.fixture
def uv(monkeypatch) -> FakeUv:
    fake = FakeUv()
    monkeypatch.setattr(bundle_archive, "install", fake.install)
    return fake


@pytest.fixture
def sources(tmp_path, monkeypatch) -> Path:
    """A tree of two services with one lock."""
    folder = tmp_path / "functions"
    for service in ("chat_send", "relay_outbox"):
        (folder / service / "__pycache__").mkdir(parents=True)
        (folder / service / "handler.py").write_text("def handle(): pass\n")
        (folder / service / "requirements.lock").write_text("library==1\n")
    (folder / "shared").mkdir()
    (folder / "shared" / "__init__.py").write_text("")
    (folder / "__init__.py").write_text("")
    (folder / "routes.py").write_text("ROUTES = ()\n")
    (folder / "asgi.py").write_text("import starlette\n")
    monkeypatch.setattr(bundles, "FUNCTIONS", folder)
    monkeypatch.setattr(bundle_dependencies, "CACHE", tmp_path / "dependencies")
    return folder


@pytest.fixture
def out(tmp_path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    return folder


def entries(bundle: Bundle) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(bundle.path) as archive:
        return {entry.filename: entry for entry in archive.infolist()}


def test_a_zip_holds_the_service_what_is_shared_and_the_dependencies(uv, sources, out):
    bundle = build(CHAT_SEND, TARGET, out)

    names = {name for name in entries(bundle) if not name.endswith(".pyc")}
    assert names == {
        "functions/__init__.py",
        "functions/routes.py",
        "functions/shared/__init__.py",
        "functions/chat_send/handler.py",
        "library/__init__.py",
        "library/native.cpython-313-aarch64-linux-gnu.so",
    }
    assert bundle.path.name == "chat-send.zip"
    assert bundle.size == bundle.path.stat().st_size


def test_another_folder_another_umask_and_new_times_give_the_same_bytes(
    uv, sources, out, tmp_path, monkeypatch
):
    other = tmp_path / "other"
    first = build(CHAT_SEND, TARGET, out)
    monkeypatch.setattr(bundle_dependencies, "CACHE", other / "dependencies")
    for path in sources.rglob("*.py"):
        os.utime(path, (1, 1))
        path.chmod(0o600)
    umask = os.umask(0o077)
    try:
        other.mkdir()
        second = build(CHAT_SEND, TARGET, other)
    finally:
        os.umask(umask)

    assert second.built
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256


def test_times_and_modes_are_fixed(uv, sources, out):
    found = entries(build(CHAT_SEND, TARGET, out))

    assert {entry.date_time for entry in found.values()} == {(1980, 1, 1, 0, 0, 0)}
    modes = {name: entry.external_attr >> 16 for name, entry in found.items()}
    assert modes.pop("library/native.cpython-313-aarch64-linux-gnu.so") == 0o755
    assert set(modes.values()) == {0o644}


def test_the_bytecode_is_of_the_targets_version_and_names_no_path_of_here(
    uv, sources, out
):
    bundle = build(CHAT_SEND, TARGET, out)
    tag = sys.implementation.cache_tag

    with zipfile.ZipFile(bundle.path) as archive:
        compiled = archive.read(f"functions/chat_send/__pycache__/handler.{tag}.pyc")

    assert compiled[:4] == importlib.util.MAGIC_NUMBER
    assert compiled[4:8] == b"\x01\0\0\0"  # unchecked hash (PEP 552)
    assert b"/var/task/functions/chat_send/handler.py" in compiled
    assert str(sources).encode() not in compiled


def test_an_unchanged_zip_is_reused_without_uv(uv, sources, out):
    first = build(CHAT_SEND, TARGET, out)
    second = build(CHAT_SEND, TARGET, out)

    assert (first.built, second.built) == (True, False)
    assert first.sha256 == second.sha256
    assert len(uv.locks) == 1


def test_a_change_of_the_code_does_not_install_again(uv, sources, out):
    first = build(CHAT_SEND, TARGET, out)
    (sources / "chat_send" / "handler.py").write_text("def handle(): return 1\n")

    second = build(CHAT_SEND, TARGET, out)

    assert second.built
    assert first.sha256 != second.sha256
    assert len(uv.locks) == 1


def test_services_with_one_lock_share_what_is_installed(uv, sources, out):
    said: list[str] = []

    build_all((CHAT_SEND, RELAY_OUTBOX), TARGET, out, said.append)

    assert len(uv.locks) == 1
    assert said[0] == (
        f"building chat-send, relay-outbox for Python {TARGET.python}"
        " on x86_64-manylinux_2_28"
    )


def test_dependencies_that_were_long_not_used_are_deleted(uv, sources, out):
    build(CHAT_SEND, TARGET, out)
    [packed] = bundle_dependencies.CACHE.iterdir()
    month_ago = time.time() - 30 * 86_400
    os.utime(packed, (month_ago, month_ago))
    (sources / "chat_send" / "requirements.lock").write_text("library==2\n")

    build_all((CHAT_SEND,), TARGET, out, lambda _: None)

    assert not packed.exists()
    assert len(list(bundle_dependencies.CACHE.iterdir())) == 1


def test_nothing_is_stale_after_a_build_and_a_no_op_says_nothing(uv, sources, out):
    services = (CHAT_SEND, RELAY_OUTBOX)
    before = stale(services, TARGET, out)
    build_all(services, TARGET, out, lambda _: None)
    said: list[str] = []

    again = build_all(services, TARGET, out, said.append)

    assert before == ["chat-send", "relay-outbox"]
    assert stale(services, TARGET, out) == []
    assert [bundle.built for bundle in again] == [False, False]
    assert said == []


def change_shared(sources: Path) -> None:
    (sources / "shared" / "new.py").write_text("")


def change_lock(sources: Path) -> None:
    (sources / "chat_send" / "requirements.lock").write_text("library==2\n")


@pytest.mark.parametrize("change", [change_shared, change_lock])
def test_a_change_of_an_input_makes_a_zip_stale(uv, sources, out, change):
    build(CHAT_SEND, TARGET, out)

    change(sources)

    assert stale((CHAT_SEND,), TARGET, out) == ["chat-send"]


def test_a_change_of_another_service_does_not(uv, sources, out):
    build(CHAT_SEND, TARGET, out)

    (sources / "relay_outbox" / "handler.py").write_text("changed = 1\n")
    (sources / "asgi.py").write_text("changed = 1\n")

    assert stale((CHAT_SEND,), TARGET, out) == []


def test_another_target_makes_a_zip_stale(uv, sources, out):
    build(CHAT_SEND, TARGET, out)
    arm = BundleTarget(
        python=TARGET.python,
        platform="aarch64-manylinux_2_28",
        interpreter=TARGET.interpreter,
    )

    assert stale((CHAT_SEND,), arm, out) == ["chat-send"]


def test_public_keys_bring_their_library_to_the_services_that_use_them(
    uv, sources, out
):
    (sources / "chat_send" / "requirements-jwks.lock").write_text(
        "library==1\ncrypto\n"
    )
    built = build_all((CHAT_SEND, RELAY_OUTBOX), TARGET, out, lambda _: None)
    with_jwks = replace(TARGET, extras=frozenset({"jwks"}))

    changed = stale((CHAT_SEND, RELAY_OUTBOX), with_jwks, out)
    again = build_all((CHAT_SEND, RELAY_OUTBOX), with_jwks, out, lambda _: None)

    assert changed == ["chat-send"]
    assert [bundle.built for bundle in again] == [True, False]
    assert again[1].sha256 == built[1].sha256
    assert uv.locks == ["library==1\n", "library==1\ncrypto\n"]


def pins(service: Service, *extras: str) -> set[str]:
    """Give the pinned versions of a lock file."""
    path = REPOSITORY / "functions" / service.folder
    lines = (path / lock_name(service, frozenset(extras))).read_text().split("\n")
    return {line.split(" ")[0] for line in lines if line[:1].isalpha()}


def names(found: set[str]) -> set[str]:
    return {pin.partition("==")[0] for pin in found}


def using(extra: str) -> list[Service]:
    (setting,) = [one.setting for one in EXTRAS if one.name == extra]
    return [service for service in SERVICES if setting in service.settings]


@pytest.mark.parametrize("service", using("jwks"), ids=lambda service: service.folder)
def test_a_lock_with_jwks_differs_in_the_library_alone(service):
    base = pins(service)

    assert base < pins(service, "jwks")
    added = names(pins(service, "jwks") - base)
    assert added == {"cryptography", "cffi", "pycparser"}


@pytest.mark.parametrize("service", using("redis"), ids=lambda service: service.folder)
def test_a_lock_with_redis_differs_in_the_clients_alone(service):
    base = pins(service)

    assert base < pins(service, "redis")
    added = names(pins(service, "redis") - base)
    # async-timeout is for Python before 3.11.3.
    clients = {"redis", "async-timeout"}
    if "LIMIT_STORE" in service.settings:
        clients |= {"limits", "deprecated", "wrapt", "packaging"}
    assert added == clients


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.folder)
def test_a_lock_with_several_extras_has_what_each_alone_has(service):
    every = [extra.name for extra in EXTRAS]

    both = pins(service, *every)

    assert both == set.union(*(pins(service, name) for name in every))


def test_each_lock_file_is_of_a_service_that_uses_it():
    found = {
        path.relative_to(REPOSITORY / "functions").as_posix()
        for path in (REPOSITORY / "functions").glob("*/requirements*.lock")
    }
    combinations = [frozenset(), *({one.name} for one in EXTRAS)]
    combinations.append(frozenset(one.name for one in EXTRAS))

    wanted = {
        f"{service.folder}/{lock_name(service, frozenset(extras))}"
        for service in SERVICES
        for extras in combinations
    }

    assert wanted == found


def test_services_that_need_the_same_have_the_same_lock():
    for name in ("requirements", "requirements-redis"):
        for kind in ("in", "lock"):
            one, other = (
                (REPOSITORY / "functions" / folder / f"{name}.{kind}").read_bytes()
                for folder in ("llm_handler", "extract_memory")
            )
            assert one == other


def test_a_damaged_zip_is_built_again(uv, sources, out):
    bundle = build(CHAT_SEND, TARGET, out)
    bundle.path.write_bytes(bundle.path.read_bytes()[:-1])

    again = build(CHAT_SEND, TARGET, out)

    assert again.built
    assert again.sha256 == bundle.sha256


def test_a_zip_that_unpacks_to_too_much_is_refused(uv, sources, out, monkeypatch):
    monkeypatch.setattr(bundles, "UNPACKED_BYTES_MAX", 0)

    with pytest.raises(DeployError) as caught:
        build(CHAT_SEND, TARGET, out)

    assert (
        str(caught.value) == "chat-send: the zip unpacks to 0 MiB; Lambda takes 0 MiB"
    )
    assert not (out / "chat-send.zip").exists()


def test_a_module_that_does_not_compile_is_named(uv, sources, out):
    (sources / "chat_send" / "handler.py").write_text("def handle(:\n")

    with pytest.raises(DeployError, match=r"/var/task/functions/chat_send/handler\.py"):
        build(CHAT_SEND, TARGET, out)


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_what_uv_said_is_the_end_of_the_error(tmp_path, monkeypatch):
    failing = script(tmp_path / "uv", "echo 'No solution found' >&2; exit 1")
    monkeypatch.setattr(bundle_archive, "uv", lambda: str(failing))
    lock = tmp_path / "chat_send" / "requirements.lock"
    lock.parent.mkdir()
    lock.write_text("")

    with pytest.raises(DeployError) as caught:
        bundle_archive.install(lock, TARGET, tmp_path / "tree")

    assert str(caught.value) == (
        "chat_send/requirements.lock: uv cannot install it for Python"
        f" {TARGET.python} on x86_64-manylinux_2_28:\nNo solution found"
    )
    assert caught.value.remedy == "./bootstrap deploy --only bundles"


def test_an_interpreter_is_believed_only_after_it_ran(tmp_path):
    shim = script(tmp_path / "python3.13", "echo 'pyenv: not found' >&2; exit 127")
    liar = script(tmp_path / "liar", "echo pypy 3.13")

    assert bundle_targets.probe(Path(sys.executable)) == TARGET.python
    assert bundle_targets.probe(shim) is None
    assert bundle_targets.probe(liar) is None
    assert bundle_targets.probe(tmp_path / "missing") is None


def test_without_an_interpreter_for_the_cloud_the_error_says_how_to_get_one(
    tmp_path, monkeypatch
):
    shim = script(tmp_path / "python3.13", "exit 127")
    monkeypatch.setattr(bundle_targets, "_candidates", lambda version: iter([shim]))

    with pytest.raises(DeployError) as caught:
        bundle_targets.cloud_target()

    assert str(caught.value) == (
        "no CPython 3.13 runs here: zips for the runtime python3.13 need its bytecode;"
        f" found but not usable: {shim}"
    )
    assert caught.value.remedy == ".venv/bin/uv python install 3.13"


def test_the_first_interpreter_that_runs_compiles_for_the_cloud(tmp_path, monkeypatch):
    shim = script(tmp_path / "shim", "exit 127")
    good = script(tmp_path / "good", "echo cpython 3.13")
    monkeypatch.setattr(bundle_targets, "_candidates", lambda version: [shim, good])

    target = bundle_targets.cloud_target()

    assert target == BundleTarget(
        python="3.13", platform="aarch64-manylinux_2_28", interpreter=good
    )


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_lock_names_hashes_and_no_address_and_covers_what_is_asked_for(service):
    folder = REPOSITORY / "functions" / service.folder
    lock = (folder / "requirements.lock").read_text()
    asked = re.findall(r"^[\w-]+", (folder / "requirements.in").read_text(), re.M)
    locked = re.findall(r"^([\w-]+)==", lock, re.M)

    assert "://" not in lock
    assert not re.search(r"^-", lock, re.M)
    assert {name.lower() for name in asked} <= set(locked)
    assert lock.count("--hash=sha256:") > len(locked)
