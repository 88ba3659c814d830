"""What a stack may cost: a user's language models in a day, the account in a month."""

from collections.abc import Collection

from infra.catalog.models import PRICES, Price
from infra.catalog.spending import least_usd, most_usd
from infra.config_values import Values

DAY_BUDGET_KEY, MONTH_BUDGET_KEY = "llmDayBudgetUsd", "monthlyBudgetUsd"
MONTH_BUDGET_USD_MAX = 100_000


def day_budget_usd(values: Values, *, gemini: bool, openai: bool) -> float:
    """Read what language models may cost for a user in a UTC day, in USD.

    A budget that admits no answer of any model is refused. One that admits none in long
    conversations is a warning: the models' row in the database decides whom it meets.

    Args:
        values: The stack's values.
        gemini: Whether there is a key of Gemini.
        openai: Whether there is one of OpenAI.
    """
    budget = values.decimal(DAY_BUDGET_KEY, 0.001, 1_000)
    providers = {"gemini": gemini, "gpt": openai}
    names = {name for name, has_key in providers.items() if has_key}
    usable = [each for each in PRICES if each.model.split("-")[0] in names]
    if not usable or any(DAY_BUDGET_KEY in each for each in values.problems):
        return budget
    cheapest = min(usable, key=least_usd)
    if budget < least_usd(cheapest):
        values.problem(
            DAY_BUDGET_KEY,
            f"{budget:g} USD refuse every message: {least_usd(cheapest):.4f} are held"
            f" for the shortest answer of {cheapest.model}, the cheapest model with a"
            f" key; must be at least that",
        )
    elif short := [each for each in usable if budget < most_usd(each)]:
        values.warn(DAY_BUDGET_KEY, _held(budget, short))
    return budget


def _held(budget: float, models: Collection[Price]) -> str:
    """Say which models answer no long conversation, and what would be held."""
    never = [each for each in models if budget < least_usd(each)]
    seldom = [each for each in models if each not in never]
    told = [f"{each.model} answers nobody ({least_usd(each):.4f})" for each in never]
    told += [
        f"{each.model} no long conversation ({most_usd(each):.4f})" for each in seldom
    ]
    return (
        f"{budget:g} USD are less than what is held for one answer, in USD:"
        f" {', '.join(told)}"
    )


def month_budget_usd(values: Values, *, is_somebody_told: bool) -> float:
    """Read what the AWS account may cost in a month, in USD; 0 for no budget.

    Args:
        values: The stack's values.
        is_somebody_told: Whether alarms reach anybody.
    """
    budget = values.decimal(MONTH_BUDGET_KEY, 0, MONTH_BUDGET_USD_MAX)
    if 0 < budget < 1:
        what = f"must be 0 for no budget, or at least 1, got {budget:g}"
        values.problem(MONTH_BUDGET_KEY, what)
    if budget and not is_somebody_told:
        values.problem(
            MONTH_BUDGET_KEY,
            f"{budget:g} tells nobody: it notifies those who are told of alarms, and"
            " alertEmail and alertWebhook are both missing",
        )
    return budget
