"""Where the images of a stack are, and what opens it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.deployment import Deployment
from deploy.errors import AuthError, UsageError
from infra.catalog.cdn import PUBLIC_BUCKETS

if TYPE_CHECKING:
    import psycopg

    from functions.compress_image.images import Compressor
    from functions.shared.storage import Storage


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


@contextmanager
def opened(deployment: Deployment, doing: str) -> Iterator[Place]:
    """Connect to a stack's images and database.

    Raises:
        DeployError: The database cannot be reached.
        UsageError: The address of the storage is not known.
        AuthError: Its key is not.
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
            service = Compressor(database, storage, PUBLIC_BUCKETS)
            yield Place(storage=storage, service=service, connection=connection)
        finally:
            database.close()


def _address(deployment: Deployment) -> tuple[str, str]:
    """Give the base of Supabase's APIs and the service key."""
    if deployment.is_local:
        stack = deployment.require_local()
        return stack.supabase_url, stack.service_role_key
    from deploy import stackfiles
    from deploy.cdn.site import SERVICE_KEY, service_key

    url = stackfiles.of_stack(deployment.stack).get("kiloscale:supabaseUrl", "")
    if not url:
        raise UsageError(
            f"Pulumi.{deployment.stack}.yaml: kiloscale:supabaseUrl is not set: the"
            " storage is unknown, nothing was changed",
            remedy="pulumi config set supabaseUrl https://<ref>.supabase.co",
        )
    key = service_key(deployment)
    if not key:
        name, variable = SERVICE_KEY
        raise AuthError(
            f"{variable} is not set, and no Pulumi CLI gives {name}: the storage of"
            f" stack {deployment.stack} cannot be read, nothing was changed",
            remedy=f"export {variable}=...  # service_role key of the project",
        )
    return url, key
