"""Looks at what serves a stack's public images, through the CDN's own API."""
