"""When a limit of the plan is reached, and what is the cheapest next step."""
