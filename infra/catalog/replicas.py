"""How far a read replica may be behind."""

REPLICA_STALENESS_S = 5
"""Pages of history are read from a replica that is at most so far behind, in seconds:
within that time the app shows what it sent itself, and realtime what others did."""
