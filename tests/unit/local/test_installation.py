import stat

import pytest

from deploy.errors import DeployError
from deploy.local import installation
from deploy.local.installation import find_installation


@pytest.fixture(autouse=True)
def packages(monkeypatch):
    monkeypatch.setattr(installation, "newest_packaged", lambda: "16")


@pytest.fixture
def debian(tmp_path):
    def install(major, *, cron):
        bindir = tmp_path / str(major) / "bin"
        bindir.mkdir(parents=True)
        library = tmp_path / str(major) / "lib"
        library.mkdir()
        if cron:
            (library / "pg_cron.so").touch()
        for name in ("postgres", "initdb"):
            program = bindir / name
            program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {major}.3'\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return bindir

    install.root = tmp_path
    return install


def _find(debian, made_by=None, **environ):
    return find_installation(made_by, {"PATH": "", **environ}, debian.root)


def test_the_newest_with_pg_cron_is_used(debian):
    debian(15, cron=True)
    debian(16, cron=True)
    debian(17, cron=False)

    assert _find(debian).major == 16


def test_the_one_that_made_the_data_is_preferred(debian):
    debian(15, cron=True)
    debian(17, cron=True)

    assert _find(debian, made_by=15).major == 15


def test_one_without_pg_cron_is_better_than_none(debian):
    debian(17, cron=False)

    found = _find(debian)

    assert not found.has_cron
    assert found.install_cron == "sudo apt-get install -y postgresql-17-cron"


def test_a_named_folder_wins(debian):
    debian(17, cron=True)
    named = debian(15, cron=False)

    assert _find(debian, KILOSCALE_PG_BINDIR=str(named)).bindir == named


def test_an_old_one_is_refused_by_its_version(debian):
    bindir = debian(14, cron=True)

    with pytest.raises(DeployError) as caught:
        _find(debian)

    assert str(caught.value) == (
        f"PostgreSQL 15 or later is needed for the local stack, found 14 in {bindir}"
    )
    assert caught.value.remedy == (
        "sudo apt-get install -y --no-install-recommends postgresql-16"
        " postgresql-16-cron"
    )


def test_a_named_folder_without_a_server_is_refused(debian, tmp_path):
    with pytest.raises(DeployError, match=r"found none in .* \(KILOSCALE_PG_BINDIR\)"):
        _find(debian, KILOSCALE_PG_BINDIR=str(tmp_path))
