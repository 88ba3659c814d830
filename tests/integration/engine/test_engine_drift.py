"""``drift`` of a cloud stack: what the engine's refresh finds, and who did not look."""

import pytest

from deploy.checklist import Status
from deploy.drift import resources
from deploy.drift.findings import short
from deploy.engine.provisioning import provision
from deploy.errors import DeployError

pytestmark = pytest.mark.integration


@pytest.fixture
def deployed(fake, make):
    """A stack that is as its state says."""
    list(provision(make()))
    return fake


def looked(deployment):
    return {each.id: each for each in resources.look(deployment)}


def test_nothing_differs_right_after_an_update(deployed, make):
    found = looked(make(dry_run=True))

    assert list(found) == ["infrastructure.looked-at"]
    assert found["infrastructure.looked-at"].title == "3 resources: none differs"
    assert "--preview-only" in deployed.calls[-1]


def test_what_somebody_changed_or_deleted_is_told_and_left_alone(deployed, make):
    before = deployed.state
    real = {"llm-requests": {"visibility": 5, "fifo": False}, "chat-send-role": None}
    deployed.told(real=real)

    found = looked(make(dry_run=True))

    queue = found["infrastructure.llm-requests"]
    assert (queue.status, queue.planned) == (Status.WARN, True)
    assert queue.title == (
        "aws:sqs/queue:Queue llm-requests: visibility is 5, declared 60"
    )
    assert queue.remedy == "pulumi up --refresh --stack production"
    role = found["infrastructure.chat-send-role"]
    assert role.title == "aws:iam/role:Role chat-send-role: it is gone, declared there"
    assert found["infrastructure.looked-at"].title == "3 resources: 2 differ"
    assert deployed.state == before


def test_a_structure_and_a_secret_are_named_without_their_values(deployed, make):
    new = {"code": "1", "environment": {"KEY": "hunter2"}, "password": "[secret]"}
    deployed.told(real={"chat-send": new})

    result = looked(make())["infrastructure.chat-send"]

    assert result.title.endswith(
        "chat-send: environment is there and not declared; password is there and not"
        " declared"
    )
    assert "hunter2" not in f"{result.title}{result.evidence}"


def test_a_value_that_looks_like_a_secret_is_masked(deployed, make):
    url = "postgres://app:hunter2@db/app"
    deployed.told(real={"chat-send-role": {"policy": url}})

    title = looked(make())["infrastructure.chat-send-role"].title

    assert title.endswith(f"policy is {short('postgres://app:***@db/app')}, declared a")


def test_a_provider_that_refuses_fails_the_part(deployed, make):
    deployed.told(refresh_error="ExpiredToken: the security token has expired")

    with pytest.raises(DeployError, match="AWS credentials are missing, expired"):
        looked(make())


def test_without_the_cli_it_is_skipped_with_the_reason(make, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))

    (skipped,) = looked(make()).values()

    assert skipped.status is Status.SKIPPED
    assert "comparing a cloud stack's resources needs the Pulumi CLI" in skipped.title
    assert skipped.remedy.startswith("curl -fsSL https://get.pulumi.com")
