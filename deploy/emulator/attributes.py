"""What the emulator says of a resource, without what changes by itself."""

import hashlib
import hmac
import html
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

Attributes = dict[str, Any]
"""JSON: attributes by the names of the AWS API, e.g. ``MemorySize``."""

BY_ITSELF = frozenset(
    {
        "AlarmConfigurationUpdatedTimestamp",
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp",
        "CreationDate",
        "CreationTime",
        "LastModificationDate",
        "LastModified",
        "LastModifiedTime",
        "LastModifiedTimestamp",
        "LastProcessingResult",
        "LastUpdateStatus",
        "LastUpdateStatusReason",
        "LastUpdateStatusReasonCode",
        "RevisionId",
        "StateReason",
        "StateReasonCode",
        "StateReasonData",
        "StateTransitionReason",
        "StateUpdatedTimestamp",
        "StateValue",
        "creationTime",
        "storedBytes",
    }
)
"""Attributes that use, time or an update of something else change."""

POLICIES = ("Policy", "RedrivePolicy", "RedriveAllowPolicy", "DashboardBody", "Input")
"""Attributes that are JSON documents in a text."""

ENTRY = re.compile(r"<key>(.*?)</key>\s*<value>(.*?)</value>", re.DOTALL)


def stable(document: Mapping[str, Any], *but: str) -> Attributes:
    """Leave out what changes by itself; read documents, so that spaces do not count.

    >>> stable({"MemorySize": 512, "RevisionId": "x", "State": "Active"}, "State")
    {'MemorySize': 512}

    Args:
        document: What a service answered.
        but: More names to leave out.
    """
    return {
        name: read(value) if name in POLICIES else value
        for name, value in document.items()
        if name not in BY_ITSELF and name not in but
    }


def read(text: Any) -> Any:
    """Read a JSON document; what is none stays as it is.

    >>> read('{"a": 1}')
    {'a': 1}
    """
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def entries(body: bytes) -> dict[str, str]:
    """Read the attributes in an answer of SNS."""
    found = ENTRY.findall(body.decode())
    return {html.unescape(key): html.unescape(value) for key, value in found}


def texts(body: bytes, tag: str) -> list[str]:
    """Read the texts of all elements of a tag in an answer of IAM.

    >>> texts(b"<a><member>service</member></a>", "member")
    ['service']
    """
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", body.decode(), re.DOTALL)
    return [unquote(html.unescape(each)) for each in found]


def sealed(values: Mapping[str, str], key: str) -> dict[str, str]:
    """Stand for secret values, so that another value shows and none can be read.

    Args:
        values: Secrets by name.
        key: Who has it can check a guess; it is not kept with the result.
    """
    return {
        name: hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()[:16]
        for name, value in values.items()
    }
