"""The services' zips, as the program names them."""

from dataclasses import dataclass

import pulumi

from infra.catalog.services import CLOUD_ARCHITECTURE, CLOUD_RUNTIME, Service


@dataclass(frozen=True, kw_only=True)
class Archives:
    """Where the zips are and what they were built for.

    Attributes:
        folder: Path of their folder, relative to the program, because the path goes
            into the stack's state and must be the same on every machine.
        runtime: Lambda runtime whose bytecode they hold, e.g. ``python3.13``.
        architecture: ``arm64`` or ``x86_64``, as their native wheels.
    """

    folder: str
    runtime: str = CLOUD_RUNTIME
    architecture: str = CLOUD_ARCHITECTURE

    def of(self, service: Service) -> pulumi.FileArchive:
        """Give a service's zip. Pulumi hashes its bytes, and they are deterministic."""
        return pulumi.FileArchive(f"{self.folder}/{service.name}.zip")
