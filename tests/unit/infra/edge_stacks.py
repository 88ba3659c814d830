"""Each CDN, recorded once in a process."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from infra_recording import config, record

from infra.cdn_assembly import declare_cdn
from infra.config import StackConfig
from infra.policies.resources import Resources

ID = "0123456789abcdef" * 2
PURGE_KEY = "p" * 40
CLOUDFLARE = {"cloudflareAccountId": ID, "cloudflareZoneId": ID}
WORKER = {"cdnDomain": "cdn.example.com", "purgeKey": PURGE_KEY, **CLOUDFLARE}
CERTIFICATE_ID = "0c2c8f36-0000-4000-8000-00000000000c"
CERTIFICATE = f"arn:aws:acm:us-east-1:123456789012:certificate/{CERTIFICATE_ID}"

MODES = {
    "worker-cache": WORKER,
    "worker-cache-api": WORKER,
    "cache-rules": {"cdnDomain": "api.example.com", "cloudflareZoneId": ID},
    "cloudfront": {"cdnDomain": "cdn.example.com", "route53ZoneId": "Z0123456789ABC"},
}


def only_the_cdn() -> Mapping[str, object]:
    """The part of the program that declares the CDN; all of it takes a second."""
    return declare_cdn(StackConfig.load())


def values(mode: str, **changes: str) -> dict[str, str]:
    """A complete configuration with this CDN."""
    return config(**{"cdn": mode, **MODES.get(mode, {}), **changes})


@cache
def stack(mode: str, *, preview: bool = False, **changes: str) -> Resources:
    """The resources of this CDN."""
    return record(only_the_cdn, values=values(mode, **changes), preview=preview)[0]


def inputs(resources: Resources, kind: str, name: str) -> dict[str, object]:
    """The inputs of one resource, out of their wrappers."""
    found = next(each for each in resources.of(kind) if each.name == name)
    return {key: found.get(key) for key in found.inputs}


def put(value: Any, path: list[str | int], new: object) -> None:
    """Change one value inside of nested inputs; None drops it."""
    *parents, last = path
    for key in parents:
        value = value[key]
    if new is None:
        del value[last]
    else:
        value[last] = new


def broken(
    resources: Resources, kind: str, name: str, path: list[str | int], new: object
) -> Resources:
    """The same resources, with one value of one resource changed."""
    spoilt = next(each for each in resources if (each.type, each.name) == (kind, name))
    found = copy.deepcopy({key: spoilt.get(key) for key in spoilt.inputs})
    put(found, path, new)
    return Resources(
        replace(each, inputs=found) if each is spoilt else each for each in resources
    )
