"""Where an image is: from the address in a row to its bucket and name, and back."""

import re
from urllib.parse import quote, unquote

import msgspec

from functions.compress_image.limits import RefusedImageError
from functions.compress_image.naming import is_valid

PUBLIC = "/storage/v1/object/public/"
"""Where Supabase Storage, and the CDN in front of it, serves public buckets."""

# What encodeURI leaves as it is, with which supabase-js writes addresses.
UNQUOTED = "/;,:@&=+$-_.!~*'()"

_ADDRESS = re.compile(re.escape(PUBLIC) + r"(?P<place>[^/?#]+/[^?#]+)")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An object, and how addresses end that name it.

    Attributes:
        bucket: Its bucket.
        path: Its name there.
        ending: ``<bucket>/<path>`` as the address has it, quoted.
    """

    bucket: str
    path: str
    ending: str


def of_url(url: str) -> Place:
    """Read an address.

    Raises:
        RefusedImageError: It is no public object.
    """
    found = _ADDRESS.search(url)
    if not found:
        raise RefusedImageError("address", "it is no public object of storage")
    bucket, _, path = unquote(found["place"]).partition("/")
    return checked(bucket, path, found["place"])


def of_object(bucket: str, path: str) -> Place:
    """Name an object by its bucket and name.

    Raises:
        RefusedImageError: Storage takes no such name.
    """
    return checked(bucket, path, ending(bucket, path))


def ending(bucket: str, path: str) -> str:
    """Write how addresses of an object end.

    >>> ending("generated-images", "u1/a cat.png")
    'generated-images/u1/a%20cat.png'
    """
    return quote(f"{bucket}/{path}", safe=UNQUOTED)


def checked(bucket: str, path: str, written: str) -> Place:
    """Refuse names that storage does not take, or that lead elsewhere."""
    if "/" in bucket or not is_valid(bucket) or not is_valid(path):
        raise RefusedImageError("address", "storage takes no such name")
    return Place(bucket=bucket, path=path, ending=written)
