"""Faults of a machine and of the local stack, one after the other on one stack.

Its first deploys are interrupted on the way. Each test leaves a stack that works.
"""

import os
import signal
import time

import psycopg
import pytest
from fault_deploys import ended

pytestmark = pytest.mark.e2e

SETTINGS = "Pulumi.local.yaml"
LOOKS = ("--only", "preflight,database")


@pytest.fixture(scope="module")
def begun(project):
    """Three deploys that did not come to their end, and the one that went on."""
    killed = project.deploy(fault="sigkill migrations 4")
    stopped = project.deploy(fault="sigint infrastructure 15")
    unproved = project.deploy(fault="sigkill functions 3")
    return (
        killed,
        stopped,
        unproved,
        synthetic_users(project),
        project.deploy("--resume", "--skip", "alarms"),
    )


@pytest.fixture
def works(project, begun):
    """The stack, up and whole; gives the project."""
    assert begun[-1].works, begun[-1].report
    return project


@pytest.fixture
def settings(works):
    """The settings of the stack, to be broken; they are put back."""
    file = works.folder / SETTINGS
    kept = file.read_bytes()
    yield file
    file.write_bytes(kept)


def test_a_deploy_that_was_killed_is_known_to_the_next_one(begun):
    killed, stopped, *_ = begun

    assert killed.code == -signal.SIGKILL
    assert stopped.check("preflight.last-deploy")["status"] == "warn"
    assert "without a word" in stopped.check("preflight.last-deploy")["title"]


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(begun):
    _, stopped, *_ = begun

    assert stopped.code == 130
    assert stopped.failed["id"] == "infrastructure.interrupted"
    assert stopped.failed["remedy"] == "./bootstrap deploy --resume"
    assert "Traceback" not in stopped.err


def test_a_resumed_deploy_ends_what_others_began(begun, project):
    *_, unproved, left, resumed = begun

    assert unproved.code == -signal.SIGKILL
    assert left == 1
    assert resumed.works, resumed.report
    assert resumed.check("functions.answered")["status"] == "pass"
    assert synthetic_users(project) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("config: [", f"{SETTINGS}: is not YAML: while parsing a flow node"),
        ("config: 7", f"{SETTINGS}: config: must be keys with values, got 7"),
        (
            "config: {kiloscale:allowedOrigins: [], kiloscale:logRetentionDays: 8}",
            f"{SETTINGS}: kiloscale:logRetentionDays: must be one of 1, 3, 5, 7, ",
        ),
    ],
)
def test_malformed_settings_exit_2(settings, works, text, words):
    settings.write_text(text)

    refused = works.deploy("--only", "infrastructure")

    assert refused.code == 2
    assert refused.failed["title"].startswith(words)
    assert SETTINGS in refused.failed["remedy"]
    assert not refused.report["changed"]


def test_all_problems_of_the_settings_are_told_at_once(settings, works):
    whole = settings.read_text()
    settings.write_text(f"{whole}  kiloscale:typo: 1\n  kiloscale:slip: 2\n")

    refused = works.deploy("--only", "infrastructure")
    settings.write_text(whole)

    told = refused.failed["title"].splitlines()
    assert [line.partition("; ")[0] for line in told] == [
        f"{SETTINGS}: kiloscale:slip: unknown",
        f"{SETTINGS}: kiloscale:typo: unknown",
    ]
    assert works.deploy("--only", "infrastructure").works


def test_a_second_deploy_at_the_same_time_exits_75_and_names_the_first(works):
    first = works.start("deploy", *LOOKS, fault="pause preflight 1")
    mark = works.state / "paused"
    while not mark.exists():
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.02)

    refused = works.deploy(*LOOKS)
    mark.unlink()

    assert refused.code == 75
    assert f"pid {first.pid}, since" in refused.failed["title"]
    assert refused.failed["title"].endswith("; nothing was changed")
    assert ended(first).works
    assert works.deploy(*LOOKS).works


def test_postgresql_killed_during_a_deploy_is_named_and_started_again(works):
    failed = works.deploy("--only", "database,crons", fault="postgres crons 0")

    assert failed.code == 4
    assert failed.failed["title"].startswith("cannot connect to postgresql://postgres@")
    note = failed.check("crons.local-stack")
    assert note["title"].startswith("of the local stack postgres does not run;")
    assert note["remedy"] == "./bootstrap deploy"
    assert works.deploy("--only", "database,crons").works


@pytest.mark.sweep  # 14 s; the same of PostgreSQL is above, in 6 s
def test_the_emulator_killed_during_a_deploy_is_named_and_made_again(works):
    failed = works.deploy("--skip", "bundles,alarms", fault="emulator functions 0")
    # The other two go between two deploys, so that one deploy mends all.
    for part in ("postgres", "stand-in"):
        os.kill(works.pid(part), signal.SIGKILL)
    mended = works.deploy("--skip", "alarms")

    assert failed.code == 4
    assert "no answer from the emulator" in failed.failed["title"]
    note = failed.check("functions.local-stack")
    assert note["title"].startswith("of the local stack emulator does not run;")
    assert mended.works, mended.report
    assert mended.check("database.local-stack")["title"].startswith("started: postgres")
    assert (
        "recorded resources are gone from the emulator"
        in (mended.check("infrastructure.resources")["title"])
    )


def synthetic_users(project):
    with psycopg.connect(project.facts()["database_url"]) as conn:
        query = "SELECT count(*) FROM auth.users WHERE email LIKE '%@smoke.invalid'"
        return conn.execute(query).fetchone()[0]
