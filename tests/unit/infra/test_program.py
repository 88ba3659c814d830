import sys
from dataclasses import replace

import pytest
from infra_recording import config, record

from deploy.planning.recording import whole_program
from infra.archives import Archives
from infra.assembly import reserved_concurrency
from infra.catalog.alarms import ALARMS
from infra.catalog.queues import QUEUES
from infra.catalog.schedules import SCHEDULES
from infra.catalog.services import CHAT_SEND, LLM_HANDLER, REDIS_SETTING, SERVICES
from infra.config import StackConfig
from infra.environment import render
from infra.policies import check
from infra.policies.resources import is_secret

FUNCTION = "aws:lambda/function:Function"


def variables(resources, name):
    function = next(r for r in resources if (r.type, r.name) == (FUNCTION, name))
    return function.get("environment")["variables"]


def test_every_declared_part_becomes_a_resource(stack):
    resources, _ = stack
    made = {(each.type, each.name) for each in resources}

    assert {(FUNCTION, each.name) for each in SERVICES} <= made
    assert {("aws:sqs/queue:Queue", each.name) for each in QUEUES} <= made
    schedule = "aws:scheduler/schedule:Schedule"
    assert {(schedule, each.name) for each in SCHEDULES} <= made
    alarm = "aws:cloudwatch/metricAlarm:MetricAlarm"
    assert {(alarm, f"alarms-{each.name}") for each in ALARMS} <= made


@pytest.mark.parametrize("service", SERVICES, ids=lambda each: each.name)
def test_a_function_gets_exactly_the_settings_that_it_reads(stack, service):
    assert set(variables(stack[0], service.name)) == set(service.settings)


def test_values_reach_the_function_that_reads_them(stack):
    chat = variables(stack[0], "chat-send")

    assert chat["QUEUE_URL_LLM"].endswith("/kiloscale-test-llm-requests")
    assert chat["JWT_ISSUER"] == "https://abc.supabase.co/auth/v1"
    assert (chat["CHAT_LIMIT_HITS"], chat["CHAT_LIMIT_WINDOW_S"]) == ("60", "3600")


def test_a_key_set_reaches_those_who_check_users_tokens():
    url = "https://abc.supabase.co/auth/v1/.well-known/jwks.json"

    resources, _ = record(whole_program, values=config(jwksUrl=url))

    assert variables(resources, "chat-send")["JWKS_URL"] == url
    assert variables(resources, "read-history")["JWKS_URL"] == url
    assert "JWKS_URL" not in variables(resources, "health-check")


def test_a_redis_reaches_the_services_that_use_it_and_stays_secret():
    url = "rediss://:pw@redis.example.com:6379/0"

    resources, _ = record(whole_program, values=config(redisUrl=url))

    for service in SERVICES:
        given = variables(resources, service.name).get(REDIS_SETTING)
        assert given == (url if REDIS_SETTING in service.settings else None)
    assert check(resources) == []
    for function in resources.of("lambda/function:Function"):
        assert is_secret(function.inputs["environment"])


def test_a_setting_that_nothing_provides_is_an_error_with_its_name():
    service = replace(CHAT_SEND, settings=("DATABASE_URL", "FAVOURITE_COLOUR"))

    def program():
        render(service, StackConfig.load(), {})
        return {}

    with pytest.raises(
        ValueError, match="chat_send: settings FAVOURITE_COLOUR: nothing"
    ):
        record(program)


def test_a_message_stays_hidden_six_times_as_long_as_it_may_take(stack):
    queues = {each.name: each for each in stack[0].of("sqs/queue:Queue")}

    assert queues["llm-requests"].get("visibilityTimeoutSeconds") == 360


def test_the_outputs_name_what_others_need(stack):
    _, outputs = stack

    assert set(outputs) == {
        "functionNames",
        "functionArns",
        "functionUrls",
        "queueUrls",
        "deadLetterUrls",
        "scheduleNames",
        "alarmNames",
        "topicArns",
        "dashboardNames",
    }
    assert set(outputs["functionUrls"]) == {
        "chat-send",
        "read-history",
        "health-check",
        "compress-image",
    }
    assert outputs["functionNames"]["chat-send"] == "kiloscale-test-chat-send"


def test_no_output_is_a_secret_or_holds_one(stack):
    assert "pooler" not in str(stack[1])
    assert "hooks.example.com" not in str(stack[1])


def test_only_functions_without_a_queue_reserve_concurrency():
    def program():
        stack_config = StackConfig.load()
        reserved = [
            reserved_concurrency(s, stack_config) for s in (CHAT_SEND, LLM_HANDLER)
        ]
        assert reserved == [40, None]
        assert (
            reserved_concurrency(
                CHAT_SEND, replace(stack_config, reserve_concurrency=False)
            )
            is None
        )
        return {}

    record(program, values=config(reserveConcurrency="true"))


def test_two_runs_declare_the_same(stack):
    again, outputs = record(whole_program)

    first = {(each.type, each.name): str(_comparable(each)) for each in stack[0]}
    assert {(each.type, each.name): str(_comparable(each)) for each in again} == first
    assert outputs == stack[1]


def _comparable(resource):
    inputs = {**resource.inputs}
    if "code" in inputs:
        inputs["code"] = inputs["code"].path
    return sorted(inputs.items())


def test_no_module_of_the_program_shadows_the_standard_library():
    from deploy.paths import REPOSITORY

    names = {path.stem for path in (REPOSITORY / "infra").iterdir()}

    assert not names & set(sys.stdlib_module_names)


def test_the_program_runs_as_the_language_host_runs_it(monkeypatch):
    import runpy

    import pulumi

    from deploy import bundles
    from deploy.paths import REPOSITORY

    built = []
    monkeypatch.setattr(bundles, "cloud_target", lambda extras: ("cloud", extras))
    monkeypatch.setattr(bundles, "build_all", lambda *given: built.append(given))
    monkeypatch.chdir(REPOSITORY / "infra")
    monkeypatch.syspath_prepend(str(REPOSITORY / "infra"))
    exported = {}

    def program():
        runpy.run_path(str(REPOSITORY / "infra"), run_name="__main__")
        exported.update(pulumi.runtime.get_root_resource().outputs)
        return {}

    record(program)

    assert built[0][:3] == (SERVICES, ("cloud", frozenset()), REPOSITORY / "dist")
    assert {"functionUrls", "queueUrls"} <= set(exported)


def test_pulumi_up_installs_the_versions_that_the_workspace_locks():
    from deploy.paths import REPOSITORY

    def pins(name):
        lines = (REPOSITORY / "requirements" / name).read_text().splitlines()
        return {line.split(" ")[0] for line in lines if line[:1].isalpha()}

    program = pins("program.lock")
    assert {pin.partition("==")[0] for pin in program} >= {"pulumi", "pulumi-aws", "uv"}
    assert program <= pins("workspace.lock")


def test_archives_are_named_relative_to_the_program():
    assert Archives(folder="../dist").of(CHAT_SEND).path == "../dist/chat-send.zip"
