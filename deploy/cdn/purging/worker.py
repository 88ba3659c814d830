"""Tells the Worker, which alone may tell Workers Cache; or restarts the local edge."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from deploy.cdn.purging.calls import Call, TooManyError, batches
from deploy.cdn.purging.wanted import Wanted
from deploy.deployment import Deployment
from deploy.errors import AuthError, DeployError
from infra.edge.worker_settings import PURGE_PATH

if TYPE_CHECKING:
    from deploy.local.facts import LocalStack

ENTRIES_MAX = 100
"""Of one purge (Workers Cache docs, "Purge"; the Worker refuses more)."""

RATE_WAIT_S = 15.0
"""Workers Free allows 5 purges a minute; a bucket of them fills by one each 12 s."""

TIMEOUT_S = 30.0
RESTART = "restart of the local edge"


@dataclass(frozen=True, kw_only=True)
class WorkerBackend:
    """The purge path of the Worker.

    Attributes:
        base_url: Address of the CDN.
        key: What a caller of the path must know.
    """

    base_url: str
    key: str = field(repr=False)

    def calls(self, wanted: Wanted) -> Sequence[Call]:
        """Give the requests; see `Backend.calls`."""
        to = f"POST {self.base_url}{PURGE_PATH}"
        if wanted.everything:
            return [Call(to=to, body={"everything": True})]
        kind, entries = (
            ("paths", wanted.paths) if wanted.paths else ("tags", wanted.tags)
        )
        return [
            Call(to=to, body={kind: each}) for each in batches(entries, ENTRIES_MAX)
        ]

    def send(self, call: Call) -> None:
        """Send one; see `Backend.send`.

        Raises:
            AuthError: The Worker has another key.
            TooManyError: Cloudflare allows no more at this moment.
            DeployError: It is refused, or nobody answers.
        """
        try:
            answer = httpx.post(
                self.base_url + PURGE_PATH,
                content=json.dumps(call.body),
                headers={"authorization": f"Bearer {self.key}"},
                timeout=TIMEOUT_S,
                verify=self.base_url.startswith("https:"),
            )
        except httpx.HTTPError as error:
            what = type(error).__name__
            raise DeployError(f"{self.base_url} does not answer: {what}") from error
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise AuthError(
                f"{self.base_url} refuses the purge key: the Worker has another one",
                remedy="export KILOSCALE_PURGE_KEY=..., as `pulumi config get purgeKey`"
                " shows it",
            )
        told = _told(answer)
        if answer.status_code == httpx.codes.BAD_GATEWAY:
            raise TooManyError(told, wait_s=RATE_WAIT_S)
        if answer.status_code != httpx.codes.OK:
            raise DeployError(f"{self.base_url}: {answer.status_code} {told}")


def _told(answer: httpx.Response) -> str:
    """Give what the Worker says of itself."""
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase


@dataclass(frozen=True, kw_only=True)
class LocalBackend:
    """The edge of the local stack: its Cache API knows paths only.

    Attributes:
        deployment: The local stack.
        stack: Its facts.
    """

    deployment: Deployment
    stack: "LocalStack"

    @property
    def _worker(self) -> WorkerBackend:
        return WorkerBackend(base_url=self.stack.edge_url, key=self.stack.purge_key)

    def calls(self, wanted: Wanted) -> Sequence[Call]:
        """Give the requests; see `Backend.calls`."""
        if wanted.paths:
            return self._worker.calls(wanted)
        note = "" if wanted.everything else "every copy: the Cache API knows no tags"
        return [Call(to=RESTART, body={}, note=note)]

    def send(self, call: Call) -> None:
        """Send one; see `Backend.send`."""
        if call.to != RESTART:
            self._worker.send(call)
            return
        from deploy.local import stack
        from deploy.local.edge.part import EDGE
        from deploy.local.parts import end_part

        end_part(EDGE, self.stack.state, self.stack)
        stack.start(self.stack.state, self.deployment.progress)
