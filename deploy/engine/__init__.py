"""Drives the Pulumi engine through the Automation API: preview, then update."""
