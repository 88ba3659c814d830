"""What a comparison shows and ends with, whatever its parts find."""

import pytest

from deploy.checklist import Result, Status
from deploy.deployment import Deployment
from deploy.drift.findings import Difference, differs, looked_at, skipped
from deploy.drift.looking import Looking
from deploy.drift.seams import counted
from deploy.errors import AuthError, DeployError, ExitCode

DEPLOYMENT = Deployment(stack="production", progress=lambda _: None, dry_run=True)


def clean(_: Deployment):
    yield looked_at("clean", "2 things", 0)


def different(_: Deployment):
    found = [Difference(name="MemorySize", declared=512, found=1024)]
    yield differs("part", "chat", "lambda.Function chat", found, "./bootstrap deploy")


def unseen(_: Deployment):
    yield from skipped("unseen", "there is no Pulumi CLI")


def refused(_: Deployment):
    raise AuthError("AWS refuses GetAlias", remedy="aws sso login")
    yield


def broken(_: Deployment):
    raise DeployError("does not answer")
    yield


def run(*parts) -> tuple[list[Result], ExitCode]:
    looking = Looking([(part.__name__, part) for part in parts])
    results = list(looking.run(DEPLOYMENT))
    return results, looking.judge(results, ExitCode.DONE)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ((clean,), ExitCode.DONE),
        ((clean, different), ExitCode.CHANGES),
        ((different, refused), ExitCode.AUTH),
        ((broken, refused), ExitCode.AUTH),
        ((different, broken), ExitCode.FAILED),
        ((clean, unseen), ExitCode.DONE),
        ((unseen,), ExitCode.FAILED),
    ],
)
def test_the_exit_code_tells_what_outweighs_the_rest(parts, code):
    assert run(*parts)[1] is code


def test_a_part_that_cannot_look_stops_no_other():
    results, _ = run(refused, different)

    assert [(result.id, result.status) for result in results] == [
        ("refused.error", Status.FAIL),
        ("part.chat", Status.WARN),
    ]
    assert results[0].remedy == "aws sso login"


def test_a_difference_names_resource_attribute_both_values_and_the_command():
    (result,), _ = run(different)

    assert result.title == "lambda.Function chat: MemorySize is 1024, declared 512"
    assert result.remedy == "./bootstrap deploy"
    assert result.evidence["differs"] == [
        {"attribute": "MemorySize", "declared": 512, "found": 1024}
    ]


def test_a_secret_s_values_are_neither_shown_nor_kept():
    secret = Difference(
        name="Environment.KEY", declared="hush", found="other", is_secret=True
    )

    result = differs("part", "chat", "lambda.Function chat", [secret], "x")

    assert result.title == "lambda.Function chat: Environment.KEY has another value"
    assert "hush" not in str(result)
    assert "other" not in str(result.evidence)


@pytest.mark.parametrize("status", [Status.WARN, Status.FAIL])
def test_what_another_package_warns_of_counts_as_drift(status):
    found = Result(id="edge.rule", title="a rule differs", status=status)

    (result,) = counted([found])

    assert (result.planned, result.status) == (True, Status.WARN)
