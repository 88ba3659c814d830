"""Drift: where a stack is not what was deployed, found by looking, part by part."""
