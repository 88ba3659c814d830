# ruff: noqa: E501  # the text is shown as it is
"""The text of a small plan, as a whole."""

from deploy.planning import changes, components, cost, layout
from deploy.planning.changes import Change, Input
from deploy.planning.recording import Recorded
from infra.catalog.loads import LOADS
from infra.policies.resources import Registered, Resources

FUNCTION = "aws:lambda/function:Function"
SERVICE = ("kiloscale:infra:PythonService", "chat-send")
RESOURCES = [
    Registered(type=SERVICE[0], name=SERVICE[1], inputs={}),
    Registered(
        type=FUNCTION,
        name="chat-send",
        inputs={
            "name": "kiloscale-production-chat-send",
            "memorySize": 512.0,
            "timeout": 10.0,
            "runtime": "python3.13",
            "architectures": ["arm64"],
            "reservedConcurrentExecutions": 40.0,
        },
    ),
    Registered(
        type="aws:cloudwatch/logGroup:LogGroup",
        name="chat-send-logs",
        inputs={"retentionInDays": 30.0},
    ),
    Registered(
        type="aws:lambda/functionUrl:FunctionUrl",
        name="chat-send-url",
        inputs={"authorizationType": "NONE"},
    ),
    Registered(
        type="aws:kms/key:Key",
        name="functions",
        inputs={"enableKeyRotation": True, "deletionWindowInDays": 30.0},
    ),
]
URL = ("kiloscale:infra:PublicUrl", "chat-send-url")
PARENTS = {
    (FUNCTION, "chat-send"): SERVICE,
    ("aws:cloudwatch/logGroup:LogGroup", "chat-send-logs"): SERVICE,
    ("aws:lambda/functionUrl:FunctionUrl", "chat-send-url"): URL,
    URL: SERVICE,
}
RECORDED = Recorded(resources=Resources(RESOURCES), outputs={}, parents=PARENTS)

PLAN = """\
resources: 4 in 2 components
  from the program's own declarations

component  kind              what matters
chat-send  PythonService  3  512 MiB, 10 s, python3.13 arm64, 40 at most at a time; public URL; logs
                             30 days
functions  kms.Key        1  rotates, 30 days until deleted

kinds: 1 cloudwatch.LogGroup, 1 kms.Key, 1 lambda.Function, 1 lambda.FunctionUrl

changes since the deploy of 2026-11-26 11:00:00 UTC: 3
  ~ lambda.Function chat-send  memorySize: 256 -> 512
  ~ lambda.Function chat-send  environment.variables.JWT_SECRET: secret, changed
  + kms.Key functions
  - sqs.Queue old

cost of a month with 1,000 users, eu-central-1, USD, list prices looked up 2026-11; an estimate
                                           amount        for         price   USD  after free
  KMS keys of the customer's                    1          1          1.00  1.00        1.00
  CloudWatch GB of logs written             0.200          1          0.63  0.13        0.00
  Lambda GB-seconds, arm64                  6,000          1  0.0000133334  0.08        0.00
  Lambda requests                         200,000  1,000,000          0.20  0.04        0.00
  CloudWatch GB of logs kept, compressed    0.030          1        0.0324  0.00        0.00
  sum with 1,000 users                                                      1.25        1.00
  sum with 2,000 users                                                      1.49        1.00
  sum with 5,000 users                                                      2.23        1.00
  language model apart: 374.25 with gemini-2.5-flash, for 200,000 answers of 2,500 + 300 tokens and
    90,000 extractions of 1,500 + 150, assumed; 1,116.65 if it thinks 1,024 tokens each time, the
    most that it may
  not in it: Supabase or other database plan, data sent to the internet by Lambda, requests to KMS,
    storage and domains, taxes and support plans

rules: 2 of our own, and cfn-lint on 4 resources
"""

CHANGES = [
    Change(
        how=changes.CHANGED,
        type=FUNCTION,
        name="chat-send",
        inputs=(
            Input(path="memorySize", old=256, new=512),
            Input(path="environment.variables.JWT_SECRET", note="secret, changed"),
        ),
    ),
    Change(how=changes.ADDED, type="aws:kms/key:Key", name="functions"),
    Change(how=changes.REMOVED, type="aws:sqs/queue:Queue", name="old"),
]


def shown() -> str:
    estimates = [
        cost.estimate(RECORDED.resources, load, "eu-central-1") for load in LOADS
    ]
    parts = [
        layout.resources(
            components.of(RECORDED, str), "the program's own declarations"
        ),
        layout.changes(CHANGES, "2026-11-26 11:00:00 UTC"),
        layout.cost(estimates, 1_000),
        layout.rules(["logs_expire", "keys_rotate"], 4),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def test_a_small_plan_reads_like_this():
    assert shown() == PLAN


def test_no_line_is_wider_than_a_table_may_be():
    assert max(len(line) for line in shown().splitlines()) <= 100


def test_a_first_plan_says_that_everything_is_new():
    assert list(layout.changes(CHANGES, None)) == [
        "changes: no deploy recorded here what it declared: everything is new"
    ]


def test_many_changes_are_counted_and_not_all_shown():
    many = [
        Change(how=changes.ADDED, type="aws:sqs/queue:Queue", name=f"q{number}")
        for number in range(layout.CHANGES_MAX + 5)
    ]

    assert list(layout.changes(many, "today"))[-1] == (
        "  and 5 more: --json shows them"
    )
