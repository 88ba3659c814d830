"""Archival of old messages by hand: look, archive, move, restore, delete."""
