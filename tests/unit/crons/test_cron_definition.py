from datetime import UTC, datetime

import pytest

from deploy.crons.definition import problems
from infra.catalog.pg_crons import PG_CRON_JOBS

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def wrong(name="tidy", schedule="0 2 * * *", command="call tidy()"):
    return problems(name, schedule, command, now=NOW)


@pytest.mark.parametrize("job", PG_CRON_JOBS, ids=lambda job: job.name)
def test_a_job_of_the_catalog_has_no_problem(job):
    assert problems(job.name, job.schedule, job.command, now=NOW) == {}


@pytest.mark.parametrize(
    "schedule",
    [
        "@hourly",
        "0 0 $ * *",
        "*/5 * * * 1-5",
        "0 0 1 JAN,JUL *",
        "0 0 * * WED",
        "0 0 29 2 *",
    ],
)
def test_what_pg_cron_reads_is_a_schedule(schedule):
    assert wrong(schedule=schedule) == {}


@pytest.mark.parametrize(
    "schedule",
    [
        *("", "* * * *", "* * * * * *", "10 seconds", "@reboot"),
        *("0 0 L * *", "0 0 LW * *", "0 0 * * 5L", "0 0 * * 5#2", "0 0 1,L * *"),
    ],
)
def test_what_pg_cron_does_not_read_is_none(schedule):
    assert wrong(schedule=schedule) == {
        "schedule": "must be five fields that pg_cron reads, e.g. 0 2 * * *, got "
        + schedule
    }


def test_a_day_that_never_comes_is_a_problem_and_a_wrong_field_another():
    assert wrong(schedule="0 4 31 2 *") == {
        "schedule": "0 4 31 2 * is never due: no month has such a day"
    }
    assert wrong(schedule="0 24 * * *") == {
        "schedule": "'0 24 * * *' is not a cron schedule: Bad hour"
    }


@pytest.mark.parametrize(
    "command",
    [
        "call p();",
        "select 'a;b', $$;$$, $x$ ; $$ $x$, \"c;d\", 'it''s;'",
        "do $$ begin perform 1; perform 2; end $$",
    ],
)
def test_one_statement_is_a_command_whatever_it_quotes(command):
    assert wrong(command=command) == {}


@pytest.mark.parametrize(
    "command", ["set statement_timeout = 0; call p()", "select 'a'; select 'b'"]
)
def test_several_statements_are_none(command):
    assert wrong(command=command) == {
        "command": f"must be one SQL statement, got several: {command}"
    }


@pytest.mark.parametrize("command", ["", "  ", ";"])
def test_an_empty_command_is_none(command):
    assert wrong(command=command) == {
        "command": "must be one SQL statement, and is empty"
    }


def test_a_name_that_old_pg_cron_would_cut_off_is_a_problem():
    assert wrong(name="é" * 31 + "x") == {}
    assert wrong(name="é" * 32) == {
        "jobname": f"must have at most 63 bytes, got 64: {'é' * 32}"
    }
    assert wrong(name=" x") == {
        "jobname": "must be a name without spaces around it, got ' x'"
    }
