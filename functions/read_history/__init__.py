"""Reads a conversation page by page. Trigger: ``GET /functions/v1/chat-history``."""
