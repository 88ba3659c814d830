"""AWS budgets and their notifications."""

from contextlib import suppress
from typing import Any

from deploy.emulator.attributes import Attributes, stable
from deploy.emulator.clients import Clients
from deploy.emulator.kinds import Inputs, Made
from deploy.emulator.live import Look
from deploy.emulator.record import Resource

GATEWAY = "AWSBudgetServiceGateway"

SPENT = ("CalculatedSpend", "LastUpdatedTime", "TimePeriod")
"""What use and time change in a budget."""

KNOWN = {
    "name",
    "budgetType",
    "timeUnit",
    "limitAmount",
    "limitUnit",
    "notifications",
}


class Budget:
    """``aws:budgets/budget:Budget``."""

    def key(self, inputs: Inputs) -> str:
        """Its name."""
        return str(inputs["name"])

    def put(
        self, aws: Clients, name: str, inputs: Inputs, known: Resource | None
    ) -> Made:
        """Make the budget anew: its notifications have no names to update them by.

        Raises:
            ValueError: An input would be lost in silence.
        """
        if unknown := sorted(set(inputs) - KNOWN):
            raise ValueError(f"no argument is known for the inputs {unknown}")
        account = aws.of("sts").get_caller_identity()["Account"]
        budgets = aws.of("budgets")
        with suppress(budgets.exceptions.NotFoundException):
            budgets.delete_budget(AccountId=account, BudgetName=inputs["name"])
        budgets.create_budget(
            AccountId=account,
            Budget={
                "BudgetName": inputs["name"],
                "BudgetType": inputs["budgetType"],
                "TimeUnit": inputs["timeUnit"],
                "BudgetLimit": {
                    "Amount": inputs["limitAmount"],
                    "Unit": inputs["limitUnit"],
                },
            },
            NotificationsWithSubscribers=[
                _notification(each) for each in inputs["notifications"]
            ],
        )
        return Made(id=f"{account}:{inputs['name']}")

    def delete(self, aws: Clients, known: Resource) -> None:
        """Delete the budget with its notifications."""
        account, _, name = known.id.partition(":")
        aws.of("budgets").delete_budget(AccountId=account, BudgetName=name)

    def read(self, look: Look, known: Resource) -> Attributes | None:
        """Ask for it and for its notifications."""
        account, _, name = known.id.partition(":")
        who = {"AccountId": account, "BudgetName": name}
        answer = look.call("budgets", f"{GATEWAY}.DescribeBudget", **who)
        if not answer.found:
            return None
        told = look.call("budgets", f"{GATEWAY}.DescribeNotificationsForBudget", **who)
        return {
            **stable(answer.json()["Budget"], *SPENT),
            "Notifications": told.json().get("Notifications", []),
        }


def _notification(inputs: Inputs) -> dict[str, Any]:
    """Write a notification with those who are told."""
    told = {
        "SNS": inputs.get("subscriberSnsTopicArns") or [],
        "EMAIL": inputs.get("subscriberEmailAddresses") or [],
    }
    return {
        "Notification": {
            "NotificationType": inputs["notificationType"],
            "ComparisonOperator": inputs["comparisonOperator"],
            "Threshold": inputs["threshold"],
            "ThresholdType": inputs["thresholdType"],
        },
        "Subscribers": [
            {"SubscriptionType": kind, "Address": address}
            for kind, addresses in told.items()
            for address in addresses
        ],
    }
