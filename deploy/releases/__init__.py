"""Releases: which versions are live, how they came there, and the way back."""

from deploy.releases.gate import gated
from deploy.releases.guard import guarded
from deploy.releases.log import Entry
from deploy.releases.versions import Release, Version

__all__ = ["Entry", "Release", "Version", "gated", "guarded"]
