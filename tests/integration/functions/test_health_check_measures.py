"""health_check against a real PostgreSQL: true values, and reasons where none are."""

import json
from datetime import UTC, date, datetime

import psycopg
import pytest

from functions.health_check.cloudwatch import CloudWatch
from functions.health_check.handler import application
from functions.health_check.health import Report, check
from functions.health_check.settings import Settings
from functions.shared.database import SingleConnection
from functions.shared.http import Request

pytestmark = pytest.mark.integration

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
GIB = 1024**3


class FakeCloudWatch:
    """Gives daily sums, and remembers the gauges."""

    def __init__(self) -> None:
        self.values: list[float] = [1000.0, 500.0]
        self.asked: dict = {}
        self.gauges: dict[str, float] = {}
        self.caches: list[dict] = []
        self.searched = ""

    def get_metric_data(self, **request) -> dict:
        [query] = request["MetricDataQueries"]
        if query["Id"] == "caches":
            self.searched = query["Expression"]
            return {"MetricDataResults": self.caches}
        self.asked = request
        return {"MetricDataResults": [{"Values": self.values}]}

    def put_metric_data(self, **request) -> None:
        assert request["Namespace"] == "Kiloscale"
        for datum in request["MetricData"]:
            assert datum["Dimensions"] == [{"Name": "Stack", "Value": "test"}]
            self.gauges[datum["MetricName"]] = datum["Value"]


def settings(url: str, **changes: str) -> Settings:
    variables = {
        "DATABASE_URL": url,
        "JWT_SECRET": "a-secret-of-the-tests-that-is-long-enough",
        "INTERNAL_API_KEY": "internal-key",
        "METRICS_NAMESPACE": "Kiloscale",
        "STACK": "test",
        "DATABASE_BYTES_LIMIT": str(8 * GIB),
        "DATABASE_BYTES_ALERT_AT": str(6 * GIB),
        "INVOCATIONS_MONTH_LIMIT": "1000000",
        "INVOCATIONS_MONTH_ALERT_AT": "750000",
        "REALTIME_CONNECTIONS_LIMIT": "500",
        "REALTIME_CONNECTIONS_ALERT_AT": "400",
    }
    return Settings.from_environ(variables | changes)


class Health:
    """Checks with a fake CloudWatch."""

    def __init__(self, url: str) -> None:
        self.aws = FakeCloudWatch()
        self.cloudwatch = CloudWatch()
        self.cloudwatch._client = self.aws
        self.url = url
        self.database = SingleConnection(url, "health_check")

    def check(self, **changes: str) -> Report:
        return check(self.database, self.cloudwatch, settings(self.url, **changes), NOW)


@pytest.fixture
def health(app):
    health = Health(app.url)
    yield health
    health.database.close()


def values(report: Report) -> dict:
    return {
        name: metric.value
        for name, metric in report.metrics.items()
        if name != "alerts"
    }


def alerts(report: Report) -> list[tuple[str, str]]:
    return [(alert.metric, alert.message) for alert in report.metrics["alerts"]]


def test_a_healthy_stack_is_ok_and_its_gauges_are_published(app, health):
    report = health.check()

    seen = values(report)
    assert (report.status, alerts(report)) == ("ok", [])
    assert seen["database_bytes"] > 5_000_000
    assert len(seen["tables"]) == 10
    assert seen["invocations_month"] == 1500
    assert seen["connections"]["by_state"]["active"] >= 1
    assert seen["outbox"] == {"waiting": 0, "dead": 0, "oldest_s": 0}
    assert seen["invalid_indexes"] == []
    assert set(health.aws.gauges) == {
        "DatabaseBytes",
        "MonthToDateInvocations",
        "OutboxOldestSeconds",
    }
    assert health.aws.asked["StartTime"] == datetime(2026, 11, 1, tzinfo=UTC)


def test_what_is_not_known_has_a_reason_and_is_never_zero(app, health):
    health.aws.values = []

    report = health.check()

    for name in ("invocations_month", "realtime_connections", "crons", "growth"):
        assert report.metrics[name].value is None
        assert report.metrics[name].reason
    assert "MonthToDateInvocations" not in health.aws.gauges
    assert "not installed" in report.metrics["crons"].reason


def test_growth_forecasts_the_day_of_the_limit(app, health):
    app.connection.execute(
        "insert into kiloscale.health_snapshots (taken_at, database_bytes)"
        " select now() - make_interval(hours => n),"
        " 1000000000 - n * 24000000 from generate_series(0, 72) n"
    )
    size = app.value("select pg_database_size(current_database())")

    report = health.check(DATABASE_BYTES_LIMIT=str(size + 10 * 24 * 24_000_000))

    growth = report.metrics["growth"].value
    assert growth["bytes_per_day"] == pytest.approx(24 * 24_000_000, rel=0.001)
    assert abs((growth["limit_reached_on"] - date(2026, 12, 3)).days) <= 1


def test_a_snapshot_of_an_hour_is_no_trend(app, health):
    app.connection.execute(
        "insert into kiloscale.health_snapshots (taken_at, database_bytes)"
        " values (now(), 2), (now() - interval '1 h', 1)"
    )

    assert "a trend takes 24 h" in health.check().metrics["growth"].reason


def test_each_threshold_raises_its_alert(app, health):
    app.connection.execute(
        "insert into kiloscale.outbox (topic, key, payload, ready_at, dead_at) values"
        " ('llm', 'k', '{}', now() - interval '1 h', null),"
        " ('llm', 'k', '{}', now(), now())"
    )
    app.connection.execute(
        "create table public.broken as select 1 as n from generate_series(1, 2)"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        app.connection.execute(
            "create unique index concurrently broken_n on public.broken (n)"
        )

    report = health.check(
        DATABASE_BYTES_ALERT_AT="1", INVOCATIONS_MONTH_ALERT_AT="1499"
    )

    assert report.status == "alert"
    assert [metric for metric, _ in alerts(report)] == [
        "database_bytes",
        "invocations_month",
        "outbox",
        "outbox",
        "invalid_indexes",
    ]
    assert alerts(report)[-1] == ("invalid_indexes", "invalid: broken_n")
    assert health.aws.gauges["OutboxOldestSeconds"] == pytest.approx(3600, abs=5)


def test_crons_that_failed_are_seen_by_pg_cron_or_by_their_own_log(app, health):
    app.connection.execute(
        "create schema cron;"
        " create table cron.job (jobid bigint, jobname text, active boolean);"
        " create table cron.job_run_details (jobid bigint, runid bigint, status text,"
        " start_time timestamptz);"
        " insert into cron.job values (1, 'dispatch-failed', true),"
        " (2, 'log-failed', true), (3, 'recovered', true), (4, 'off', false);"
        " insert into cron.job_run_details values (1, 1, 'succeeded', now()),"
        " (1, 2, 'failed', null), (2, 3, 'succeeded', now()), (3, 4, 'failed', null),"
        " (3, 5, 'succeeded', now()), (4, 6, 'running', now());"
        " insert into kiloscale.run_log (job, finished_at, error) values"
        " ('log-failed', now(), 'boom'), ('recovered', now(), 'boom'),"
        " ('recovered', now(), null)"
    )

    report = health.check()

    crons = report.metrics["crons"].value
    assert crons["failed"] == ["dispatch-failed", "log-failed"]
    assert crons["inactive"] == ["off"]
    assert health.aws.gauges["CronFailures"] == 2


def test_a_part_that_fails_is_reported_and_the_others_are_measured(app, health):
    app.connection.execute("drop table kiloscale.outbox")

    report = health.check()

    assert report.status == "degraded"
    assert report.metrics["outbox"].error.startswith("UndefinedTable: ")
    assert report.metrics["database_bytes"].value > 0
    assert "OutboxOldestSeconds" not in health.aws.gauges


def test_without_a_database_every_part_of_it_says_so(app, health):
    health.database = SingleConnection(f"{app.url}_gone", "health_check")

    report = health.check()

    assert report.status == "degraded"
    assert "does not exist" in report.metrics["database_bytes"].error
    assert report.metrics["invocations_month"].value == 1500


def test_the_hits_of_the_caches_are_told_by_service(health):
    health.aws.caches = [
        {"Label": "read_history/UsageCacheHits", "Values": [6.0, 3.0]},
        {"Label": "read_history/UsageCacheMisses", "Values": [1.0]},
        {"Label": "llm_handler/LlmConfigCacheMisses", "Values": [2.0]},
        {"Label": "llm_handler/LlmConfigCacheHits", "Values": []},
        {"Label": "extract_memory/LlmConfigCacheHits", "Values": []},
    ]

    found = health.check().metrics["caches"].value

    assert found == [
        {
            "service": "llm_handler",
            "cache": "LlmConfig",
            "hits": 0,
            "misses": 2,
            "ratio": 0.0,
        },
        {
            "service": "read_history",
            "cache": "Usage",
            "hits": 9,
            "misses": 1,
            "ratio": 0.9,
        },
    ]
    assert health.aws.searched == (
        "SEARCH('{\"Kiloscale\",Service,Stack} Stack=\"test\"', 'Sum', 3600)"
    )


def test_without_counts_the_caches_are_not_known(health):
    report = health.check()

    assert report.metrics["caches"].value is None
    assert "no counts of caches" in report.metrics["caches"].reason
    assert report.status != "degraded"


@pytest.fixture
def get(app, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    database = SingleConnection(app.url, "health_check")
    service = application(settings(app.url), database)

    def get(**headers: str):
        request = Request(
            method="GET",
            path="/functions/v1/health-check",
            headers=headers,
            request_id="request-of-the-test",
        )
        return service(request)

    yield get
    database.close()


def test_json_has_the_alerts_where_the_plan_reads_them(get):
    response = get(authorization="Bearer internal-key")

    report = json.loads(response.body)
    assert (response.status, report["metrics"]["alerts"]) == (200, [])
    assert report["metrics"]["database_bytes"]["limit"] == 8 * GIB
    assert report["metrics"]["invocations_month"]["value"] is None
    assert "not on AWS" in report["metrics"]["invocations_month"]["reason"]


def test_a_browser_gets_a_page(get):
    response = get(authorization="Bearer internal-key", accept="text/html,*/*")

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<td>database_bytes</td>" in response.body


def test_without_a_key_nothing_is_measured(get):
    assert get().status == 401
