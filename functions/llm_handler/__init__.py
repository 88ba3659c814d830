"""Answers a message with a language model, once. Trigger: queue ``llm-requests``."""
