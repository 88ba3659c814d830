"""Looks at a cloud stack's account: schedules, alarms, functions. Changes nothing."""
