"""The budget of the account is heard, and is there only where it is asked for."""

import json
from dataclasses import replace

from infra_recording import config, record

from deploy.planning import budgets
from deploy.planning.cloudformation import findings
from deploy.planning.recording import REGION, whole_program
from infra.policies import check
from infra.policies.resources import Resources, is_known

BUDGET = "budgets/budget:Budget"
TOPIC_ARN = "arn:aws:sns:eu-central-1:123456789012:kiloscale-test-alarms"
OF_THE_ACCOUNT = {
    "StringEquals": {"aws:SourceAccount": "123456789012"},
    "ArnLike": {"aws:SourceArn": "arn:aws:budgets::123456789012:*"},
}


def test_a_month_s_cost_tells_the_topic_at_80_percent_and_when_100_are_foreseen(stack):
    (budget,) = stack[0].of(BUDGET)

    told = [
        (each["notificationType"], each["threshold"], each["subscriberSnsTopicArns"])
        for each in budget.get("notifications")
    ]
    assert told == [("ACTUAL", 80, [TOPIC_ARN]), ("FORECASTED", 100, [TOPIC_ARN])]
    assert (budget.get("limitAmount"), budget.get("limitUnit")) == ("50.00", "USD")
    assert (budget.get("budgetType"), budget.get("timeUnit")) == ("COST", "MONTHLY")


def test_topic_and_key_admit_budgets_of_the_account_and_no_other(stack):
    (topic,) = stack[0].of("sns/topicPolicy:TopicPolicy")
    (key,) = stack[0].of("kms/keyPolicy:KeyPolicy")

    for policy, actions in (
        (topic, "sns:Publish"),
        (key, ["kms:Decrypt", "kms:GenerateDataKey*"]),
    ):
        statement = json.loads(policy.get("policy"))["Statement"][-1]
        assert statement["Principal"] == {"Service": "budgets.amazonaws.com"}
        assert statement["Action"] == actions
        assert statement["Condition"] == OF_THE_ACCOUNT


def test_without_a_budget_nothing_admits_one():
    resources, _ = record(whole_program, values=config(monthlyBudgetUsd="0"))

    assert list(resources.of(BUDGET)) == []
    assert "budgets.amazonaws.com" not in str([each.inputs for each in resources])
    assert check(resources) == []


def test_a_preview_declares_it_with_a_topic_that_is_unknown(preview):
    (budget,) = preview.of(BUDGET)

    assert budget.get("limitAmount") == "50.00"
    assert not is_known(budget.get("notifications"))


def test_cfn_lint_sees_a_wrong_budget(stack):
    (budget,) = stack[0].of(BUDGET)
    wrong = replace(
        budget, inputs={**budget.inputs, "timeUnit": ["x"], "surprise": "x"}
    )

    found = findings(Resources([wrong]), REGION)

    assert any("surprise" in each for each in found)
    assert any("is not of type 'string'" in each for each in found)


def test_an_address_is_written_as_a_subscriber_too():
    written = budgets.properties(
        {
            "name": "n",
            "budgetType": "COST",
            "timeUnit": "MONTHLY",
            "limitAmount": "50.00",
            "limitUnit": "USD",
            "notifications": [{"subscriberEmailAddresses": ["ops@example.com"]}],
        }
    )

    (notification,) = written["NotificationsWithSubscribers"]
    assert notification["Subscribers"] == [
        {"SubscriptionType": "EMAIL", "Address": "ops@example.com"}
    ]
