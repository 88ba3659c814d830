"""Sends again what a queue does not have or lost. Trigger: a schedule, each minute."""
