"""Functions of ./bootstrap, read into a shell; none of them installs anything here."""

import subprocess

import pytest

from deploy.paths import REPOSITORY

APT_CACHE = """
apt-cache() { printf '%s\\n' "$listed"; }
as_root() {
  case $1 in tee) echo "tee $2: $(cat)" >&2 ;; *) echo "as root: $*" >&2 ;; esac
}
install_packages() { echo "install: $*" >&2; }
"""


def _shell(script, **environ):
    return subprocess.run(
        ["bash", "-c", f"source ./bootstrap; {APT_CACHE} {script}"],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "task", ["deploy", "test", "verify-crons --json", "deploy --stack local"]
)
def test_a_task_on_the_local_stack_needs_postgresql(task):
    assert _shell(f"needs_postgres {task}").returncode == 0


@pytest.mark.parametrize(
    "task",
    [
        "",
        "--list",
        "test --unit",
        "local.stop",
        "deploy --help",
        "deploy --stack production",
        "deploy --stack=production",
    ],
)
def test_other_tasks_work_without_postgresql(task):
    assert _shell(f"needs_postgres {task}").returncode == 1


def test_the_newest_packaged_major_is_taken():
    listed = "postgresql-9-cron - x\npostgresql-15-cron - x\npostgresql-17-cron - x"

    assert _shell("newest_major", listed=listed).stdout == "17\n"


def test_a_major_that_is_too_old_is_not_taken():
    assert _shell("newest_major", listed="postgresql-14-cron - x").stdout == ""


def test_debian_is_kept_from_making_a_cluster_of_its_own():
    done = _shell("install_postgres", listed="postgresql-15-cron - x")

    drop_in = "/etc/postgresql-common/createcluster.d/kiloscale.conf"
    assert done.stderr.splitlines() == [
        "as root: mkdir -p /etc/postgresql-common/createcluster.d",
        f"tee {drop_in}: create_main_cluster = false",
        "install: postgresql-15 postgresql-15-cron",
        f"as root: rm -f {drop_in}",
    ]


def test_who_may_not_install_is_told_the_command():
    done = _shell("explain_postgres", listed="postgresql-16-cron - x")

    assert done.returncode == 2
    assert done.stderr == (
        "bootstrap: PostgreSQL with pg_cron is missing: sudo apt-get install -y"
        " --no-install-recommends postgresql-16 postgresql-16-cron\n"
    )


def test_an_interpreter_that_does_not_run_is_refused():
    done = _shell("find_python", KILOSCALE_PYTHON="/bin/false")

    assert done.returncode == 2
    assert "KILOSCALE_PYTHON: /bin/false is not a Python 3.11 or later" in done.stderr


def test_a_relative_state_folder_is_meant_from_where_the_user_is():
    done = _shell('echo "$KILOSCALE_STATE"', KILOSCALE_STATE="here")

    assert done.stdout == f"{REPOSITORY}/here\n"


def test_a_stamp_is_current_until_a_file_changes(tmp_path):
    (tmp_path / "lock").write_text("a")
    check = f"""
        venv={tmp_path}/venv lock={tmp_path}/lock
        mkdir -p $venv/bin && ln -s "$(find_python)" $venv/bin/python
        stamp $venv $lock
        is_current $venv $lock && echo current
        echo b >$lock
        is_current $venv $lock || echo stale
    """

    assert _shell(check).stdout == "current\nstale\n"
