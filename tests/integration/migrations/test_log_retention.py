from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from deploy.migrations import apply, discover
from deploy.paths import REPOSITORY

pytestmark = pytest.mark.integration

LOG = (
    "select rows, batches, error, detail from kiloscale.run_log"
    " where job = %s order by id desc limit 1"
)


def midnight(days):
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days)


def partition_of(app, days_ago):
    """Make the partition of a day in the past, as if it had been made then."""
    day = midnight(-days_ago)
    app.run(
        f"create table kiloscale.edge_function_logs_p{day:%Y%m%d} partition of"
        f" public.edge_function_logs for values from ('{day}')"
        f" to ('{day + timedelta(days=1)}')"
    )


def log(app, moment):
    app.run(
        "insert into edge_function_logs (function_name, created_at) values ('x', %s)",
        moment,
    )


def partitions(app):
    return [
        name[-8:]
        for (name,) in app.rows(
            "select inhrelid::regclass::text from pg_inherits"
            " where inhparent = 'edge_function_logs'::regclass order by 1"
        )
    ]


def test_there_is_a_partition_for_yesterday_and_fourteen_days_ahead(app):
    expected = [f"{midnight(n):%Y%m%d}" for n in range(-1, 15)]

    assert partitions(app) == [*expected, "ogs_rest"]


def test_a_job_that_stalled_for_twenty_days_loses_no_line_and_catches_up(app):
    for (name,) in app.rows(
        "select inhrelid::regclass::text from pg_inherits where inhparent ="
        " 'edge_function_logs'::regclass and inhrelid::regclass::text !~ 'rest'"
    ):
        app.run(f"drop table {name}")  # all that were made are in the past
    for days in (-12, -9, -3, -1, 0):
        log(app, midnight(days) + timedelta(hours=1))
    state = "select days_ahead, rows_outside from kiloscale.log_partition_state()"
    assert app.rows(state) == [(0, 5)]

    app.run("call kiloscale.clean_edge_function_logs()")

    # Two lines were too old; days of which there are lines outside get no partition.
    assert app.rows(state) == [(14, 3)]
    assert partitions(app)[0] == f"{midnight(1):%Y%m%d}"
    log(app, midnight(0) + timedelta(hours=2))
    assert app.rows(state) == [(14, 4)]
    detail = app.rows(LOG, "cleanup-edge-function-logs")[0][3]
    assert (detail["partitions_made"], detail["rows_sliced"]) == (14, 2)


def test_a_run_makes_the_partitions_that_are_missing(app):
    app.run(f"drop table kiloscale.edge_function_logs_p{midnight(14):%Y%m%d}")

    app.run("call kiloscale.clean_edge_function_logs()")

    assert f"{midnight(14):%Y%m%d}" in partitions(app)
    assert app.rows(LOG, "cleanup-edge-function-logs")[0][3]["partitions_made"] == 1


def test_whole_days_older_than_seven_days_go_and_no_younger_row(app):
    for days in (12, 10, 9, 8, 7):
        partition_of(app, days)
    log(app, midnight(-8) - timedelta(microseconds=1))  # day 9: all older than 7 days
    log(app, midnight(-8))  # day 8: ends 7 days before today's midnight
    log(app, midnight(-7))  # day 7: a part of it is younger than 7 days
    log(app, datetime.now(UTC))
    preview = app.rows("select * from kiloscale.preview_edge_function_logs()")[0]

    app.run("call kiloscale.clean_edge_function_logs()")

    assert partitions(app)[0] == f"{midnight(-7):%Y%m%d}"
    kept = app.rows("select created_at from edge_function_logs order by 1")
    assert kept[0] == (midnight(-7),)
    assert len(kept) == 2
    rows, _, error, detail = app.rows(LOG, "cleanup-edge-function-logs")[0]
    assert (rows, error, detail["partitions_dropped"]) == (2, None, 4)
    assert preview[0] == "partitioned"
    assert preview[2:4] == (2, 4)


def test_a_partition_is_closed_to_anon_although_it_is_a_table_of_its_own(app):
    partition_of(app, 3)
    app.run("call kiloscale.clean_edge_function_logs()")

    for (name,) in app.rows(
        "select inhrelid::regclass::text from pg_inherits"
        " where inhparent = 'edge_function_logs'::regclass"
    ):
        assert not app.value("select has_table_privilege('anon', %s, 'select')", name)
    made_by_the_job = app.value(
        "select count(*) from pg_inherits i join pg_class c on c.oid = i.inhrelid"
        " where c.relkind = 'r' and not c.relrowsecurity and c.relname <> %s",
        f"edge_function_logs_p{midnight(-3):%Y%m%d}",
    )
    assert made_by_the_job == 0


def test_a_plain_log_table_is_cleaned_in_slices_along_its_key(existing):
    apply(existing.url, discover(REPOSITORY / "migrations"), str)

    existing.run("call kiloscale.clean_edge_function_logs(batch_rows => 100)")

    assert existing.value("select count(*) from edge_function_logs") == 168
    rows, batches, _, detail = existing.rows(LOG, "cleanup-edge-function-logs")[0]
    assert (rows, detail) == (720 - 168, {"table": "plain"})
    assert batches == 8


def test_a_plain_log_table_with_an_index_on_time_is_cleaned_along_it(existing):
    apply(existing.url, discover(REPOSITORY / "migrations"), str)
    existing.run("create index on edge_function_logs (created_at)")
    # 250 rows of one instant do not fit a batch of 100.
    existing.run(
        "insert into edge_function_logs (created_at)"
        " select now() - interval '9 days' from generate_series(1, 250)"
    )

    existing.run("call kiloscale.clean_edge_function_logs(batch_rows => 100)")

    oldest = existing.value("select min(created_at) from edge_function_logs")
    assert oldest >= datetime.now(UTC) - timedelta(days=7, minutes=1)
    assert existing.value("select count(*) from edge_function_logs") == 168
    assert existing.rows(LOG, "cleanup-edge-function-logs")[0][0] == 720 - 168 + 250


def test_a_plain_log_table_that_cannot_be_sliced_is_an_error_not_a_silence(existing):
    apply(existing.url, discover(REPOSITORY / "migrations"), str)
    existing.run(
        "alter table edge_function_logs drop constraint edge_function_logs_pkey"
    )

    with pytest.raises(psycopg.Error) as caught:
        existing.run("call kiloscale.clean_edge_function_logs()")

    assert "create index concurrently on" in caught.value.diag.message_hint
    rows, _, error, _ = existing.rows(LOG, "cleanup-edge-function-logs")[0]
    assert rows == 0
    assert error.startswith("55000 public.edge_function_logs has neither")


def test_webhook_events_older_than_ninety_days_go_and_unprocessed_ones_are_counted(
    existing,
):
    apply(existing.url, discover(REPOSITORY / "migrations"), str)
    preview = existing.rows("select * from kiloscale.preview_webhook_events()")[0]

    existing.run("call kiloscale.clean_webhook_events(batch_rows => 20)")

    left = existing.rows(
        "select stripe_event_id from stripe_webhook_events order by id"
    )
    assert [name for (name,) in left] == [f"evt_{n}" for n in range(90)]
    rows, _, error, detail = existing.rows(LOG, "cleanup-webhook-events")[0]
    assert (rows, error, detail) == (110, None, {"unprocessed": 11})
    assert preview[1:3] == (110, 11)


def test_an_event_of_exactly_ninety_days_stays(app):
    insert = (
        "insert into stripe_webhook_events"
        " (stripe_event_id, stripe_event_type, payload, created_at)"
        " values (%s, 'x', '{}', now() - interval '90 days' + %s::interval)"
    )
    app.run(insert, "just younger", "1 minute")
    app.run(insert, "just older", "-1 second")

    app.run("call kiloscale.clean_webhook_events()")

    assert app.rows("select stripe_event_id from stripe_webhook_events") == [
        ("just younger",)
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("clean_edge_function_logs(0)", "keep_days must be between 1 and 3650, got 0"),
        (
            "clean_edge_function_logs(-7)",
            "keep_days must be between 1 and 3650, got -7",
        ),
        (
            "clean_edge_function_logs(7, 1)",
            "days_ahead must be between 2 and 365, got 1",
        ),
        (
            "clean_webhook_events(null)",
            "keep_days must be between 30 and 3650, got null",
        ),
        (
            "clean_webhook_events(90, 0)",
            "batch_rows must be between 1 and 100000, got 0",
        ),
    ],
)
def test_arguments_out_of_range_are_refused(app, call, message):
    with pytest.raises(psycopg.errors.InvalidParameterValue) as caught:
        app.run(f"call kiloscale.{call}")

    assert caught.value.diag.message_primary == message


def test_user_data_is_never_deleted(app):
    user = app.user()
    for table in ("report_logs", "translator_logs"):
        app.run(
            f"insert into {table} (user_id, created_at)"
            " values (%s, now() - interval '5 years')",
            user,
        )

    app.run("call kiloscale.clean_edge_function_logs()")
    app.run("call kiloscale.clean_webhook_events()")

    assert app.value("select count(*) from report_logs") == 1
    assert app.value("select count(*) from translator_logs") == 1
