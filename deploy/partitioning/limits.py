"""How long others may be kept waiting."""

LOCK_MS = 60
"""How long a lock request may stand in the queue: who comes behind it waits as long."""

HOLD_MS = 150
"""How long a swap may hold the table; with `LOCK_MS` and a commit below 250 ms."""
