"""Replays conversations through the memory policies: the task ``policy-lab``."""
