"""What the AWS account may cost in a month, and who is told before it does."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

ACTUAL_PERCENT = 80.0
"""Of the limit, spent: there is a fifth of the month left to do something."""

FORECAST_PERCENT = 100.0
"""Of the limit, foreseen. AWS forecasts once there are some five weeks of usage."""


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    """Inputs of `Budget`.

    Attributes:
        physical_name: Its name on AWS, unique in the account.
        limit_usd: What a calendar month may cost, in USD.
        topic_arn: ARN of the topic that is told.
        topic_policy: Lets budgets tell the topic.
    """

    physical_name: str
    limit_usd: float
    topic_arn: pulumi.Output[str]
    topic_policy: pulumi.Resource


class Budget(pulumi.ComponentResource):
    """A monthly cost budget of the whole account that tells a topic.

    Of the account, not of the stack: to filter by a tag, somebody has to activate the
    tag for cost allocation first, and what nobody tagged would be forgotten.

    Attributes:
        name: Name of the budget.
    """

    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        args: BudgetArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kiloscale:infra:Budget", name, None, opts)

        budget = aws.budgets.Budget(
            name,
            name=args.physical_name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{args.limit_usd:.2f}",
            limit_unit="USD",
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "notification_type": kind,
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_sns_topic_arns": [args.topic_arn],
                }
                for kind, percent in (
                    ("ACTUAL", ACTUAL_PERCENT),
                    ("FORECASTED", FORECAST_PERCENT),
                )
            ],
            # AWS refuses a topic that does not admit budgets yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[args.topic_policy]),
        )

        self.name = budget.name
        self.register_outputs({"name": self.name})
