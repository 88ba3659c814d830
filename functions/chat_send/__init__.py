"""Accepts a chat message, once. Trigger: ``POST /functions/v1/chat-send``."""
