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
has_other_server() { false; }
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


@pytest.fixture
def machine(tmp_path):
    """A machine's PostgreSQL servers, and what apt offers."""

    def having(*majors, cron=(), packaged=()):
        for major in majors:
            (tmp_path / f"{major}/bin").mkdir(parents=True)
            (tmp_path / f"{major}/lib").mkdir()
            (tmp_path / f"{major}/bin/postgres").touch(mode=0o755)
            if major in cron:
                (tmp_path / f"{major}/lib/pg_cron.so").touch()
        listed = "\n".join(f"postgresql-{major}-cron - jobs" for major in packaged)
        return {"POSTGRES_ROOT": str(tmp_path), "listed": listed}

    return having


def test_a_server_with_pg_cron_is_enough(machine):
    done = _shell("provide_postgres", **machine(15, 16, cron=[15]))

    assert (done.returncode, done.stderr) == (0, "")


def test_the_newest_packaged_major_is_taken(machine):
    packaged = machine(packaged=[9, 15, 17])

    assert _shell("packaged_major", **packaged).stdout == "17\n"


def test_a_major_that_lacks_only_pg_cron_is_completed(machine):
    packaged = machine(15, packaged=[15, 17])

    assert _shell("packaged_major", **packaged).stdout == "15\n"


def test_a_major_that_is_too_old_is_not_taken(machine):
    packaged = machine(14, packaged=[14])

    assert _shell("packaged_major", **packaged).stdout.strip() == ""


def test_debian_is_kept_from_making_a_cluster_of_its_own(machine):
    done = _shell("install_postgres", **machine(packaged=[15]))

    drop_in = "/etc/postgresql-common/createcluster.d/kiloscale.conf"
    assert done.stderr.splitlines() == [
        "as root: mkdir -p /etc/postgresql-common/createcluster.d",
        f"tee {drop_in}: create_main_cluster = false",
        "install: postgresql-15 postgresql-15-cron",
        f"as root: rm -f {drop_in}",
    ]


def test_old_package_lists_are_read_again(machine):
    once = "calls=0; install_packages() { calls=$((calls + 1)); [ $calls = 2 ]; };"
    done = _shell(f"{once} install_postgres", **machine(packaged=[15]))

    assert done.returncode == 0
    assert "as root: apt-get update -qq" in done.stderr.splitlines()


def test_who_may_not_install_is_told_the_command(machine):
    forbidden = "may_install() { false; };"
    done = _shell(f"{forbidden} provide_postgres", **machine(packaged=[16]))

    assert done.returncode == 2
    assert done.stderr == (
        "bootstrap: PostgreSQL 15 or later with pg_cron is missing: sudo apt-get"
        " install -y --no-install-recommends postgresql-16 postgresql-16-cron\n"
    )


def test_a_server_without_pg_cron_does_not_end_the_run(machine):
    forbidden = "may_install() { false; };"
    done = _shell(f"{forbidden} provide_postgres", **machine(16, packaged=[16]))

    assert done.returncode == 0
    assert "the checks of the schedules will fail: sudo apt-get" in done.stderr


def test_an_old_distribution_is_sent_to_the_servers_own_packages(machine):
    done = _shell("explain_postgres", **machine(14, packaged=[14]))

    assert done.returncode == 2
    assert "apt.postgresql.org.sh -y" in done.stderr


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
