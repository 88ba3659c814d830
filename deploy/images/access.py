"""Where the images of a stack are, and what opens it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.deployment import Deployment
from deploy.errors import UsageError

if TYPE_CHECKING:
    import psycopg

    from functions.compress_image.images import Compressor
    from functions.shared.storage import Storage

KEY_VARIABLE = "KILOSCALE_SUPABASE_SERVICE_KEY"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A stack's images.

    Attributes:
        storage: The buckets.
        service: Makes images smaller, as the queue's consumer does.
        connection: To the database, in autocommit mode.
    """

    storage: "Storage"
    service: "Compressor"
    connection: "psycopg.Connection[tuple[object, ...]]"


def buckets() -> tuple[str, ...]:
    """Give the buckets whose images are made smaller."""
    from infra.catalog.cdn import EDGE_RULES

    return tuple(dict.fromkeys(rule.bucket for rule in EDGE_RULES))


@contextmanager
def opened(deployment: Deployment, doing: str) -> Iterator[Place]:
    """Connect to a stack's images and database.

    Raises:
        DeployError: The database cannot be reached.
        UsageError: Address or key of the storage are not known.
    """
    from deploy.database import connect, explained
    from functions.compress_image.images import Compressor
    from functions.shared.database import SingleConnection
    from functions.shared.storage.rest import RestStorage

    storage = RestStorage(*_address(deployment))
    url = deployment.database_url()
    with connect(url) as connection, explained(connection, doing):
        database = SingleConnection(url, "kiloscale images")
        try:
            service = Compressor(database, storage, buckets())
            yield Place(storage=storage, service=service, connection=connection)
        finally:
            database.close()


def _address(deployment: Deployment) -> tuple[str, str]:
    """Give the base of Supabase's APIs and the service key."""
    if deployment.is_local:
        stack = deployment.require_local()
        return stack.supabase_url, stack.service_role_key
    from deploy import stackfiles

    url = str(stackfiles.own(deployment.stack).get("kiloscale:supabaseUrl", ""))
    if not url:
        raise UsageError(
            f"Pulumi.{deployment.stack}.yaml: kiloscale:supabaseUrl is not set: the"
            " storage is unknown, nothing was changed",
            remedy="pulumi config set supabaseUrl https://<ref>.supabase.co",
        )
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        raise UsageError(
            f"{KEY_VARIABLE} is not set: the storage of stack {deployment.stack}"
            " cannot be read, nothing was changed",
            remedy=f"export {KEY_VARIABLE}=...  # service_role key of the project",
        )
    return url, key
