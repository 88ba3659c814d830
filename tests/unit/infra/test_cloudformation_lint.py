"""What AWS's own schemas refuse: enumerations, ranges, patterns, missing properties."""

from dataclasses import replace

from deploy.planning.cloudformation import KINDS, NOT_IN_CLOUDFORMATION, findings
from deploy.planning.recording import REGION
from infra.policies.resources import Resources

FUNCTION = "aws:lambda/function:Function"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
SCHEDULE = "aws:scheduler/schedule:Schedule"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
GROUP = "aws:cloudwatch/logGroup:LogGroup"


def lint(resources: Resources) -> list[str]:
    return findings(resources, REGION)


def test_cfn_lint_has_nothing_to_say_of_the_program(stack):
    assert lint(stack[0]) == []


FAULTS = [
    (FUNCTION, "chat-send", {"architectures": ["arm65"]}, "'arm65' is not one of"),
    (FUNCTION, "relay-outbox", {"timeout": 1000.0}, "1000 is greater than the maximum"),
    (FUNCTION, "llm-handler", {"runtime": "python3.99"}, "'python3.99' is not one of"),
    (
        MAPPING,
        "llm-requests-consumer",
        {"scalingConfig": {"maximumConcurrency": 1.0}},
        "1 is less than the minimum of 2",
    ),
    (
        SCHEDULE,
        "health-check-hourly",
        {"flexibleTimeWindow": {"mode": "OFTEN"}},
        "'OFTEN' is not one of",
    ),
    (GROUP, "chat-send-logs", {"retentionInDays": 31.0}, "31 is not one of"),
    (
        ALARM,
        "alarms-outbox-age",
        {"comparisonOperator": "Above", "statistic": "Max"},
        "'Above' is not one of",
    ),
    (ALARM, "alarms-cron-failures", {"treatMissingData": "ok"}, "'ok' is not one of"),
]


def test_cfn_lint_sees_wrong_values(stack):
    wrong = {(kind, name): inputs for kind, name, inputs, _ in FAULTS}
    faulty = Resources(
        replace(each, inputs={**each.inputs, **wrong[each.type, each.name]})
        for each in stack[0]
        if (each.type, each.name) in wrong
    )

    # One run for all: a run takes half a second.
    found = lint(faulty)

    unseen = [part for *_, part in FAULTS if not any(part in text for text in found)]
    assert unseen == []


def test_every_kind_of_resource_is_linted_or_known_to_have_no_schema(stack):
    kinds = {each.type for each in stack[0] if each.type.startswith("aws:")}

    assert kinds == set(KINDS) | NOT_IN_CLOUDFORMATION
