"""Objects of Supabase Storage: by its REST API, or by the S3 protocol.

``rest.RestStorage`` works with the service key that the functions have;
``s3.S3Storage`` with a key pair of its S3 endpoint, through the runtime's botocore.
"""

from functions.shared.storage.errors import (
    ObjectNotFoundError,
    ObjectTooLargeError,
    StorageError,
)
from functions.shared.storage.interface import Content, ObjectInfo, Page, Storage

__all__ = [
    "Content",
    "ObjectInfo",
    "ObjectNotFoundError",
    "ObjectTooLargeError",
    "Page",
    "Storage",
    "StorageError",
]
