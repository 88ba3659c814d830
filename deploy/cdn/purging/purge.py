"""Forget copies, wait where a provider asks for it, and look what is left."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from deploy.cdn.asking import Answer, Asker
from deploy.cdn.purging import refetch
from deploy.cdn.purging.calls import Backend, Call, TooManyError
from deploy.cdn.purging.choosing import backend_of, site_of
from deploy.cdn.purging.refetch import SMART_CDN_S
from deploy.cdn.purging.wanted import Wanted
from deploy.cdn.site import Site
from deploy.checklist import Result, Status, Step, skipped
from deploy.deployment import Deployment
from deploy.errors import DeployError, HalfDoneError

ATTEMPTS = 6
REFETCHED_MAX = 20
"""Images that are asked for again: each is a fill."""


@dataclass(kw_only=True)
class Purge:
    """One purge of a stack's CDN.

    Attributes:
        wanted: What to forget.
        wait: Whether to purge again after `SMART_CDN_S`.
        sleep: Waits for some seconds.
        before: The answers of the images before, by path.
    """

    wanted: Wanted
    wait: bool
    sleep: Callable[[float], None] = time.sleep
    before: dict[str, Answer] = field(default_factory=dict)

    def steps(self) -> tuple[Step[Deployment], Step[Deployment]]:
        """Give the step that purges and the step that looks."""
        return (
            Step(id="purge", title="forget copies of images", run=self.forget),
            Step(
                id="refetch",
                title="look whether they are forgotten",
                run=self.look,
                verifies=True,
            ),
        )

    def forget(self, deployment: Deployment) -> Iterator[Result]:
        """Send the purge."""
        site = site_of(deployment)
        with ExitStack() as held:
            backend = backend_of(deployment, site, held)
            calls = backend.calls(self.wanted)
            if deployment.dry_run:
                yield self._result(calls, planned=True)
                return
            self._remember(site)
            self._send(deployment, backend, calls)
            if self.wait:
                deployment.progress(f"purging again in {SMART_CDN_S} s")
                self.sleep(SMART_CDN_S)
                self._send(deployment, backend, calls)
            yield self._result(calls)

    def look(self, deployment: Deployment) -> Iterator[Result]:
        """Ask for the images again."""
        if deployment.dry_run:
            yield skipped("refetch.all", "a dry run purges nothing")
            return
        if not self.before:
            reason = "no image was named; ask for one that you know"
            yield skipped("refetch.all", reason)
            return
        site = site_of(deployment)
        with Asker(site) as asker:
            for number, (path, before) in enumerate(self.before.items(), 1):
                yield refetch.judge(site, number, before, asker.ask(path))
        left = len(self.wanted.paths) - len(self.before)
        if left > 0:
            yield skipped("refetch.others", f"{left} more images were not asked for")

    def _remember(self, site: Site) -> None:
        """Ask for the images, to know their copies again."""
        with Asker(site) as asker:
            for path in self.wanted.paths[:REFETCHED_MAX]:
                self.before[path] = asker.ask(path)

    def _send(
        self, deployment: Deployment, backend: Backend, calls: Sequence[Call]
    ) -> None:
        """Send all requests, as fast as the provider takes them.

        Raises:
            HalfDoneError: Some were sent and the next one was refused.
        """
        for number, call in enumerate(calls):
            try:
                self._send_one(deployment, backend, call)
            except DeployError as error:
                if not number:
                    raise
                raise HalfDoneError(
                    f"{number} of {len(calls)} purges are done, then: {error}",
                    remedy=error.remedy or "./bootstrap cdn.purge again",
                ) from error

    def _send_one(self, deployment: Deployment, backend: Backend, call: Call) -> None:
        """Send one request; wait where the provider takes no more."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                backend.send(call)
            except TooManyError as error:
                if attempt == ATTEMPTS:
                    raise
                deployment.progress(f"{error}: waiting {error.wait_s:.0f} s")
                self.sleep(error.wait_s)
            else:
                return

    def _result(self, calls: Sequence[Call], *, planned: bool = False) -> Result:
        """Say what was sent."""
        notes = dict.fromkeys(call.note for call in calls if call.note)
        more = f" (with {'; '.join(notes)})" if notes else ""
        verb = "would forget" if planned else "forgot"
        return Result(
            id="purge.sent",
            title=f"{verb} {self.wanted.told}{more}; cannot be undone: each is fetched"
            " again; browsers keep theirs",
            status=Status.PASS,
            evidence={
                "calls": [{"to": call.to, "body": dict(call.body)} for call in calls],
                "sent": 0 if planned else 2 if self.wait else 1,
            },
            changed=not planned,
            planned=planned,
        )
