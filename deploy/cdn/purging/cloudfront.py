"""Tells CloudFront to forget copies: an invalidation of one distribution."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from deploy import account
from deploy.cdn.purging.calls import Call, TooManyError, batches, prefixes
from deploy.cdn.purging.wanted import Wanted
from deploy.deployment import Deployment
from deploy.errors import DeployError

WILDCARDS_MAX = 15
"""Paths with a star in progress at once (CloudFront developer guide, "Quotas on
invalidations")."""

RATE_WAIT_S = 30.0
POLL_S = 5.0
PATIENCE_S = 300.0


@dataclass(frozen=True, kw_only=True)
class CloudFrontBackend:
    """Invalidations of a distribution.

    Attributes:
        deployment: The stack.
        client: Client of CloudFront.
        distribution: Id of the distribution.
        sleep: Waits for some seconds.
    """

    deployment: Deployment
    client: Any
    distribution: str
    sleep: Callable[[float], None] = time.sleep

    def calls(self, wanted: Wanted) -> Sequence[Call]:
        """Give the requests; see `Backend.calls`."""
        to = f"CreateInvalidation of {self.distribution}"
        if wanted.paths:
            # The star takes each `?v=` along, and images whose names begin so.
            return [
                Call(to=to, body={"paths": [f"{path}*" for path in paths]})
                for paths in batches(wanted.paths, WILDCARDS_MAX)
            ]
        starts, note = prefixes(wanted)
        return [Call(to=to, body={"paths": [f"{each}*" for each in starts]}, note=note)]

    def send(self, call: Call) -> None:
        """Send one and wait until each location has it; see `Backend.send`.

        Raises:
            TooManyError: Too many are in progress.
            DeployError: It is refused, or not done in time.
        """
        paths = call.body["paths"]
        assert isinstance(paths, list)  # noqa: S101 - as `calls` writes it
        batch = {
            "Paths": {"Quantity": len(paths), "Items": paths},
            "CallerReference": f"kiloscale-{token_hex(12)}",
        }
        made = self._asked(
            lambda: self.client.create_invalidation(
                DistributionId=self.distribution, InvalidationBatch=batch
            )
        )["Invalidation"]
        self._wait(made["Id"], made["Status"])

    def _wait(self, made: str, status: str) -> None:
        """Wait until an invalidation is complete."""
        deadline = time.monotonic() + PATIENCE_S
        where = {"DistributionId": self.distribution, "Id": made}
        while status != "Completed":
            if time.monotonic() > deadline:
                raise DeployError(
                    f"invalidation {made} of {self.distribution} is not complete"
                    f" after {PATIENCE_S:.0f} s; CloudFront goes on with it",
                    remedy="aws cloudfront wait invalidation-completed --id"
                    f" {made} --distribution-id {self.distribution}",
                )
            self.deployment.progress(f"invalidation {made}: {status}")
            self.sleep(POLL_S)
            found = self._asked(lambda: self.client.get_invalidation(**where))
            status = found["Invalidation"]["Status"]

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """Ask AWS, and say what it refuses."""
        with account.explained(self.deployment, f"distribution {self.distribution}"):
            try:
                return ask()
            except self.client.exceptions.TooManyInvalidationsInProgress as error:
                raise TooManyError(
                    "CloudFront has too many invalidations in progress",
                    wait_s=RATE_WAIT_S,
                ) from error
