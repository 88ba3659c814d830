"""The Pulumi program and the catalog of what it provisions."""
