"""The Invoke tasks: their options, help and examples. The work is elsewhere."""
