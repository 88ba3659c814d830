"""Forgets copies in a CDN: what is meant, how each provider is told, what is left."""
