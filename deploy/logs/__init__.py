"""Turn a plain table of logs into daily partitions while the app writes to it."""
