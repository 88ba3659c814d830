"""The sizes hold together, and reach the resources of a stack."""

import doctest
from dataclasses import replace

import pytest
from infra_recording import config, record

from deploy.planning.cloudformation import findings
from deploy.planning.recording import REGION, whole_program
from infra import config_sizes
from infra.catalog import sizes
from infra.catalog.alarms import ALARMS
from infra.catalog.charts import ROWS
from infra.catalog.limits import PLAN_LIMITS
from infra.catalog.queues import QUEUES
from infra.catalog.services import SERVICES
from infra.catalog.sizes import (
    DEFAULT_USERS,
    SIZES,
    ServiceScale,
    usable_clients,
)
from infra.catalog.thresholds import alarms_at, rows_at
from infra.config_values import ConfigError
from infra.policies import check

LARGE = {
    "limitStore": "redis",
    "redisUrl": "rediss://:pw@redis.example.com:6379/0",
    "databaseReplicaUrl": "postgresql://u:pw@replica.example.com:6543/postgres",
}


@pytest.mark.parametrize("size", SIZES.values(), ids=str)
def test_services_fit_into_the_pooler_of_their_compute(size):
    room = usable_clients(size.compute.pooler_clients)

    assert size.pooler_clients_used <= room


@pytest.mark.parametrize("size", SIZES.values(), ids=str)
def test_a_size_names_only_what_there_is(size):
    assert set(size.of_services) <= {each.folder for each in SERVICES}
    assert set(size.of_queues) <= {each.name for each in QUEUES}
    assert set(size.limits) == {each.name for each in PLAN_LIMITS}


@pytest.mark.parametrize("size", SIZES.values(), ids=str)
def test_a_queue_is_bound_as_its_consumer_at_each_size(size):
    concurrency = {each.folder: each.concurrency for each in size.services}

    assert [each.max_concurrency for each in size.queues] == [
        concurrency[each.consumer] for each in size.queues
    ]


def test_more_users_get_more_of_everything_that_users_need():
    ordered = [SIZES[users] for users in (1_000, 2_000, 5_000)]

    assert [each.pooler_clients_used for each in ordered] == [79, 155, 383]
    assert [each.compute.pooler_clients for each in ordered] == [200, 400, 600]
    assert [each.reserved_concurrency for each in ordered] == [63, 123, 303]


def test_the_default_size_is_the_catalog_itself():
    size = SIZES[DEFAULT_USERS]

    assert (size.services, size.queues) == (SERVICES, QUEUES)
    assert size.plan_limits() == PLAN_LIMITS
    assert alarms_at(PLAN_LIMITS) == ALARMS
    assert rows_at(PLAN_LIMITS) == ROWS


def test_a_limit_of_the_stack_s_own_plan_alerts_at_the_same_share():
    limits = SIZES[1_000].plan_limits(realtime_connections=1_000)

    assert {each.name: (each.limit, each.alert_at) for each in limits} == {
        "database_bytes": (8 * 1024**3, 6 * 1024**3),
        "invocations_month": (1_000_000, 750_000),
        "realtime_connections": (1_000, 800),
    }


@pytest.fixture(scope="module")
def large():
    """The resources of a stack for 5,000 users."""
    values = config(users="5000", reserveConcurrency="true", **LARGE)
    return record(whole_program, values=values)[0]


def test_the_program_is_made_in_the_configured_size(large):
    functions = {each.name: each for each in large.of("lambda/function:Function")}
    reserved = functions["chat-send"].get("reservedConcurrentExecutions")
    mapping = "lambda/eventSourceMapping:EventSourceMapping"
    bounds = {
        each.name: each.get("scalingConfig")["maximumConcurrency"]
        for each in large.of(mapping)
    }
    environment = functions["health-check"].get("environment")["variables"]
    alarms = {
        each.name: each.get("threshold")
        for each in large.of("cloudwatch/metricAlarm:MetricAlarm")
    }

    assert reserved == 200
    assert functions["relay-outbox"].get("memorySize") == 512
    assert bounds == {
        "llm-requests-consumer": 50,
        "memory-extractions-consumer": 20,
        "image-compressions-consumer": 10,
    }
    assert environment["REALTIME_CONNECTIONS_LIMIT"] == "2500"
    assert alarms["alarms-realtime-connections"] == 2_000
    assert alarms["alarms-invocations-month"] == 3_750_000


def test_a_large_stack_breaks_no_rule_and_no_schema(large):
    assert check(large) == []
    assert findings(large, REGION) == []


def test_the_dashboard_draws_the_limits_of_the_size(large):
    (board,) = large.of("cloudwatch/dashboard:Dashboard")

    assert "2000" in board.get("dashboardBody")


def test_a_size_that_outgrows_its_pooler_is_an_error_that_names_the_key(monkeypatch):
    grown = {"chat_send": ServiceScale(concurrency=300)}
    too_large = replace(SIZES[2_000], of_services=grown)
    monkeypatch.setitem(config_sizes.SIZES, 2_000, too_large)

    with pytest.raises(ConfigError) as caught:
        record(whole_program, values=config(users="2000", **LARGE))

    assert str(caught.value) == (
        "Pulumi.test.yaml: kiloscale:users: its services are up to 339 clients of the"
        " pooler at users 2000, and of 400 it may take 300 (a quarter is the app's);"
        " take compute Medium or larger"
    )


def test_examples_in_docstrings_hold():
    result = doctest.testmod(sizes)

    assert result.attempted
    assert not result.failed
