"""A machine without PostgreSQL on which nobody may install it."""

import os
import shutil
import subprocess

import pytest

from deploy.local.installation import find_installation
from deploy.paths import REPOSITORY

pytestmark = pytest.mark.e2e

TOOLS = ("awk", "basename", "bash", "cat", "cut", "dirname", "env", "id", "sed", "sort",
         "tr", "python3")  # fmt: skip


@pytest.fixture
def bootstrap(tmp_path):
    """Runs ./bootstrap where there is no apt, no sudo and no Node."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or os.devnull)

    def run(*arguments, **environment):
        return subprocess.run(
            ["./bootstrap", *arguments],
            cwd=REPOSITORY,
            env={
                "PATH": str(tools),
                "HOME": str(tmp_path),
                "LC_ALL": "C.UTF-8",
                "KILOSCALE_STATE": str(tmp_path / "state"),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_who_may_not_install_is_told_what_is_missing_and_can_name_it(bootstrap):
    refused = bootstrap("deploy", POSTGRES_ROOT="/nowhere")
    folder = str(find_installation().bindir)
    named = bootstrap("deploy", "--only", "preflight", KILOSCALE_PG_BINDIR=folder)

    assert refused.returncode == 2
    assert refused.stderr == (
        "bootstrap: PostgreSQL 15 or later with pg_cron is missing: install both, then"
        " name the server's folder: export KILOSCALE_PG_BINDIR=/path/to/bin\n"
    )
    assert (named.returncode, "with pg_cron" in named.stdout) == (0, True)


def test_a_named_folder_without_a_server_is_named(bootstrap):
    refused = bootstrap("deploy", "--only", "preflight", KILOSCALE_PG_BINDIR="/nowhere")

    assert refused.returncode == 4
    told = " ".join(refused.stdout.split())
    assert (
        "PostgreSQL 15 or later is needed for the local stack, found none in /nowhere"
        " (KILOSCALE_PG_BINDIR) -> sudo apt-get install"
    ) in told
