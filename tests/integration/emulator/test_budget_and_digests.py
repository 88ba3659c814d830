"""The budget and the digests on the emulator: made, changed, missed and deleted."""

import pytest
import yaml
from emulator_alone import zips

from deploy import stackfiles
from deploy.emulator.clients import client
from deploy.emulator.provision import missing, provision
from deploy.paths import REPOSITORY
from infra import digests

pytestmark = pytest.mark.integration

NAME = "kiloscale-local-month"
PARAMETER = "/kiloscale/local/secret-digests"


@pytest.fixture(scope="module")
def stack(start):
    return start().stack


@pytest.fixture
def deploy(stack, tmp_path, monkeypatch):
    """Provisions with some values of the stack's file changed."""

    def run(**values):
        config = stackfiles.of_file(REPOSITORY / "Pulumi.local.yaml")
        config |= {f"kiloscale:{key}": value for key, value in values.items()}
        path = tmp_path / "Pulumi.local.yaml"
        path.write_text(yaml.safe_dump({"config": config}))
        monkeypatch.setattr(stackfiles, "FOLDER", tmp_path)
        return provision(stack, zips(stack.state), lambda _: None)

    return run


def described(stack):
    budgets = client(stack, "budgets")
    account = client(stack, "sts").get_caller_identity()["Account"]
    budget = budgets.describe_budget(AccountId=account, BudgetName=NAME)["Budget"]
    found = budgets.describe_notifications_for_budget(
        AccountId=account, BudgetName=NAME
    )["Notifications"]
    told = [
        subscriber
        for each in found
        for subscriber in budgets.describe_subscribers_for_notification(
            AccountId=account, BudgetName=NAME, Notification=each
        )["Subscribers"]
    ]
    limit = budget["BudgetLimit"]["Amount"], budget["BudgetLimit"]["Unit"]
    kinds = {(each["NotificationType"], each["Threshold"]) for each in found}
    return limit, kinds, {(each["SubscriptionType"], each["Address"]) for each in told}


def test_a_budget_follows_its_configuration_until_it_is_taken_out(stack, deploy):
    made = deploy()
    topic = made.outputs["topicArns"]["alarms"]

    limit, kinds, told = described(stack)
    changed = deploy(monthlyBudgetUsd="75")
    higher = described(stack)[0]
    dropped = deploy(monthlyBudgetUsd="0")

    assert limit == ("50.00", "USD")
    assert kinds == {("ACTUAL", 80.0), ("FORECASTED", 100.0)}
    assert told == {("SNS", topic)}
    assert (higher, changed.updated) == (("75.00", "USD"), ["budgets.Budget budget"])
    assert dropped.deleted == ["budgets.Budget budget"]
    assert missing(stack) == []


def test_digests_and_budget_that_somebody_deleted_are_missed_and_made_again(
    stack, deploy
):
    deploy()
    ssm = client(stack, "ssm")
    account = client(stack, "sts").get_caller_identity()["Account"]
    ssm.delete_parameter(Name=PARAMETER)
    client(stack, "budgets").delete_budget(AccountId=account, BudgetName=NAME)

    lost = missing(stack)
    again = deploy()

    gone = ["budgets.Budget budget", "ssm.Parameter secrets-digests"]
    assert sorted(lost) == again.created == gone
    value = ssm.get_parameter(Name=PARAMETER, WithDecryption=True)["Parameter"]
    assert value["Type"] == "SecureString"
    assert digests.read(value["Value"])["jwtSecret"] == digests.digest(
        "local", "jwtSecret", stack.jwt_secret
    )
    undecrypted = ssm.get_parameter(Name=PARAMETER)["Parameter"]["Value"]
    assert "jwtSecret" not in undecrypted
