"""Measures the plan's limits and says what is close. Triggers: a schedule and GET."""
