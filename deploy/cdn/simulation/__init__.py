"""Replays requests through the CDN's rules: the task ``cdn.simulate``."""
