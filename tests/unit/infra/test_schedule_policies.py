"""What EventBridge Scheduler and pg_cron take, and what they refuse."""

import doctest

import pytest

from infra.policies import references, schedules
from infra.policies.schedules import pg_cron_problem, scheduler_problem
from infra.policypack import policies


@pytest.mark.parametrize(
    "text",
    [
        "rate(1 minute)",
        "rate(15 minutes)",
        "cron(0 2 * * ? *)",
        "cron(0/15 8-18 ? * MON-FRI *)",
        "cron(0 0 L * ? 2030-2035)",
        "cron(0 12 15W JAN,JUL ? *)",
        "cron(0 9 ? * 2#1 *)",
        "cron(0 9 ? * FRIL *)",
        "at(2030-01-31T09:00:00)",
    ],
)
def test_scheduler_takes(text):
    assert scheduler_problem(text) is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("rate(1 minutes)", "a rate is"),
        ("rate(01 minutes)", "a rate is"),
        ("rate(1 second)", "a rate is"),
        ("rate(-5 minutes)", "a rate is"),
        ("cron(0 2 * * *)", "has 5 fields and needs 6"),
        ("cron(60 2 * * ? *)", "minutes: 60 is not from 0 to 59"),
        ("cron(0 2 32 * ? *)", "day of month: 32 is not from 1 to 31"),
        ("cron(0 2 * 13 ? *)", "month: 13 is not from 1 to 12"),
        ("cron(0 2 ? * 8 *)", "day of week: 8 is not from 1 to 7"),
        ("cron(0 2 * * ? 1969)", "year: 1969 is not from 1970"),
        ("cron(0 18-8 * * ? *)", "hours: 18-8 is no range"),
        ("cron(*/0 2 * * ? *)", "minutes: */0 has no step"),
        ("cron(0 2 ? * ? *)", "exactly one must be ?"),
        ("cron(0 2 1 * 2 *)", "exactly one must be ?"),
        ("cron(? 2 * * ? *)", "minutes: ? is not"),
        ("at(2030-02-30T09:00:00)", "not of the form"),
        ("every hour", "neither rate"),
    ],
)
def test_scheduler_refuses(text, wrong):
    assert wrong in scheduler_problem(text)


@pytest.mark.parametrize(
    "text", ["0 4 1 * *", "*/5 * * * *", "30 4 * * 0", "0 0 $ * *", "59 seconds"]
)
def test_pg_cron_takes(text):
    assert pg_cron_problem(text) is None


@pytest.mark.parametrize(
    "text", ["0 4 1 * ?", "0 4 * *", "60 seconds", "0 4 * * 8", "a * * * *", "@hourly"]
)
def test_pg_cron_refuses(text):
    assert pg_cron_problem(text)


@pytest.mark.parametrize(
    "module", [policies, references, schedules], ids=lambda module: module.__name__
)
def test_examples_of_the_rules_are_true(module):
    result = doctest.testmod(module)

    assert result.attempted
    assert not result.failed
