import time

import pytest

from infra.catalog.pg_crons import PG_CRON_JOBS

pytestmark = pytest.mark.integration

USER_DATA = (
    "public.report_logs",
    "public.translator_logs",
    "public.user_images",
    "public.image_generation_log",
    "storage.objects",
)
AGES = "select n from unnest('{0,1,6,7,8,29,30,89,90,91,200,400,4000}'::int[]) n"
STORAGE = """
create schema if not exists storage;
create table if not exists storage.objects (
    id uuid primary key default gen_random_uuid(), bucket_id text, name text,
    owner uuid, created_at timestamptz)
"""


def test_no_declared_job_touches_user_data_of_any_age(app):
    user = app.user()
    app.run(STORAGE)
    for table in USER_DATA:
        app.run(f"alter table {table} disable trigger user")  # limits of a day
        owner = "owner" if table == "storage.objects" else "user_id"
        app.run(
            f"insert into {table} ({owner}, created_at)"
            f" select %s, now() - make_interval(days => n) from ({AGES}) a",
            user,
        )
    app.conversation(*range(200, 320), user=user)
    app.run(
        f"insert into edge_function_logs (function_name, created_at)"
        f" select 'f', now() - make_interval(days => n) from ({AGES}) a"
    )
    app.run(
        "insert into stripe_webhook_events (stripe_event_id, stripe_event_type,"
        f" payload, created_at) select n, 'x', '{{}}', now() - make_interval(days => n)"
        f" from ({AGES}) a"
    )

    def hashes():
        return {
            table: app.value(
                "select md5(string_agg(t::text, '|' order by t.id)) || count(*)"
                f" from {table} t"
            )
            for table in USER_DATA
        }

    before = hashes()
    done = {}
    for job in PG_CRON_JOBS:
        app.run(job.command)
        done[job.name] = app.value(
            "select rows from kiloscale.run_log where job = %s order by id desc",
            job.name,
        )

    assert hashes() == before
    assert all(value.endswith("13") for value in before.values())
    # They did run: each had something to do.
    assert done["cleanup-edge-function-logs"] == 10
    assert done["cleanup-webhook-events"] == 5
    assert done["archive-old-messages"] == 20
    assert done["reclaim-archived-messages"] == 20


@pytest.mark.sweep
@pytest.mark.parametrize("rows", [20_000, 500_000])
@pytest.mark.parametrize("indexed", [True, False])
def test_webhook_events_go_in_short_slices(app, rows, indexed, capsys):
    if not indexed:
        app.run("drop index stripe_webhook_events_created_at_idx")
    app.run(
        "insert into stripe_webhook_events (stripe_event_id, stripe_event_type,"
        " payload, created_at) select n, 'invoice.paid', jsonb_build_object('n', n,"
        " 'pad', repeat('x', 400)), now() - interval '180 days' * n / %s"
        " from generate_series(1, %s) n",
        rows,
        rows,
    )
    app.run("analyze stripe_webhook_events")
    began = time.monotonic()

    app.run("call kiloscale.clean_webhook_events()")

    took = time.monotonic() - began
    deleted, batches = app.rows(
        "select rows, batches from kiloscale.run_log"
        " where job = 'cleanup-webhook-events' order by id desc limit 1"
    )[0]
    with capsys.disabled():
        pass
    assert abs(deleted - rows / 2) <= 2
    assert took / batches < 0.5
    assert app.value(
        "select min(created_at) > now() - interval '90 days 1 minute'"
        " from stripe_webhook_events"
    )
