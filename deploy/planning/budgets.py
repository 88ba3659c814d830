"""Budgets as CloudFormation has them: nested otherwise than the provider's inputs."""

from collections.abc import Mapping
from typing import Any

BUDGET = "aws:budgets/budget:Budget"


def properties(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Write the properties of an ``AWS::Budgets::Budget``.

    An input that is not known here stays, under its own name, for the linter to refuse.
    """
    rest = dict(inputs)
    notifications = rest.pop("notifications", None) or []
    amount, unit = rest.pop("limitAmount"), rest.pop("limitUnit")
    return {
        "Budget": {
            "BudgetName": rest.pop("name"),
            "BudgetType": rest.pop("budgetType"),
            "TimeUnit": rest.pop("timeUnit"),
            "BudgetLimit": {"Amount": float(amount), "Unit": unit},
        },
        "NotificationsWithSubscribers": [_notification(each) for each in notifications],
        **rest,
    }


def _notification(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Write one notification with those who are told."""
    told = dict(inputs)
    subscribers = {
        "SNS": told.pop("subscriberSnsTopicArns", None) or [],
        "EMAIL": told.pop("subscriberEmailAddresses", None) or [],
    }
    return {
        "Notification": {key[0].upper() + key[1:]: each for key, each in told.items()},
        "Subscribers": [
            {"SubscriptionType": kind, "Address": address}
            for kind, addresses in subscribers.items()
            for address in addresses
        ],
    }
