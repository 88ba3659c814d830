"""Keeps what a conversation tells about its user. Trigger: ``memory-extractions``."""
