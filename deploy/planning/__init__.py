"""What `pulumi up` would make, seen without the engine."""
