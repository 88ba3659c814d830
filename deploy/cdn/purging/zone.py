"""Tells Cloudflare to forget copies of one host name of a zone."""

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.cdn.cloudflare import Api
from deploy.cdn.purging.calls import Call, batches, prefixes
from deploy.cdn.purging.wanted import Wanted

ENTRIES_MAX = 30
"""Addresses of one request; Cloudflare's API takes at least so many on each plan."""


@dataclass(frozen=True, kw_only=True)
class ZoneBackend:
    """The purge API of a zone.

    Never ``purge_everything``: it would empty the cache of each site of the zone.

    Attributes:
        api: Cloudflare's API.
        zone_id: The zone.
        host: The CDN's host name.
    """

    api: Api
    zone_id: str
    host: str

    @property
    def _path(self) -> str:
        return f"/zones/{self.zone_id}/purge_cache"

    def calls(self, wanted: Wanted) -> Sequence[Call]:
        """Give the requests; see `Backend.calls`."""
        to = f"POST {self._path}"
        if not wanted.paths:
            starts, note = prefixes(wanted)
            body = {"prefixes": [f"{self.host}{each.rstrip('/')}" for each in starts]}
            return [Call(to=to, body=body, note=note)]
        found = []
        for paths in batches(wanted.paths, ENTRIES_MAX):
            files = [f"https://{self.host}{path}" for path in paths]
            found.append(Call(to=to, body={"files": files}))
            # Each `?v=` is a copy of its own, of which nobody has a list.
            starts = [f"{self.host}{path}" for path in paths]
            note = "all versions of each, and images whose names begin with it"
            found.append(Call(to=to, body={"prefixes": starts}, note=note))
        return found

    def send(self, call: Call) -> None:
        """Send one; see `Backend.send`."""
        self.api.send(self._path, call.body)
