import pytest

from deploy.crons.compare import compare


def only(rows, installed=(), registered=(), adopt=False, **facts):
    (change,) = compare(
        [rows.job()], list(installed), list(registered), rows.facts(**facts), adopt
    )
    return change


def test_a_missing_job_is_scheduled(rows):
    assert only(rows).action == "schedule"


def test_an_equal_job_of_ours_needs_nothing(rows):
    change = only(rows, [rows.installed()], [rows.registered()])

    assert (change.action, change.reasons) == ("none", ())


@pytest.mark.parametrize(
    ("difference", "reason"),
    [
        ({"schedule": "0 3 * * *"}, "schedule is '0 3 * * *', declared '0 2 * * *'"),
        (
            {"command": "select 1"},
            "command is 'select 1', declared 'call kiloscale.tidy()'",
        ),
        ({"database": "app"}, "database is 'app', declared 'postgres'"),
        ({"username": "root"}, "role is 'root', declared 'postgres'"),
        ({"active": False}, "active is 'false', declared 'true'"),
    ],
)
def test_each_difference_of_our_job_is_altered_and_named(rows, difference, reason):
    change = only(rows, [rows.installed(**difference)], [rows.registered()])

    assert (change.action, change.reasons) == ("alter", (reason,))


def test_a_job_that_is_not_in_the_registry_is_foreign_even_if_equal(rows):
    change = only(rows, [rows.installed()])

    assert change.action == "foreign"
    assert change.reasons == (
        (
            "job 7 of role postgres has this name and is not in the registry: 0 2 * * *"
            " call kiloscale.tidy()"
        ),
    )


def test_a_job_that_somebody_scheduled_again_under_our_name_is_foreign(rows):
    change = only(rows, [rows.installed(jobid=8)], [rows.registered(jobid=7)])

    assert change.action == "foreign"


def test_a_foreign_job_is_taken_over_when_asked(rows):
    assert only(rows, [rows.installed()], adopt=True).action == "adopt"


def test_our_job_that_somebody_unscheduled_is_scheduled_again(rows):
    change = only(rows, [], [rows.registered()])

    assert (change.action, change.reasons) == (
        "schedule",
        ("was unscheduled by somebody",),
    )


def test_a_job_of_another_role_that_we_cannot_see_is_not_scheduled_twice(rows):
    change = only(rows, [], [rows.registered(username="admin")])

    assert change.action == "foreign"
    assert "could run it twice" in change.reasons[0]


def test_our_job_that_is_not_declared_any_more_is_unscheduled(rows):
    changes = compare(
        [], [rows.installed()], [rows.registered()], rows.facts(), adopt=False
    )

    assert [(item.action, item.installed.jobid) for item in changes] == [
        ("unschedule", 7)
    ]
