"""The front's JavaScript: one decision, put in front of what each runtime does with it.

A CloudFront Function cannot import files, so the parts are joined as text.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from infra.catalog.front import timeouts_s
from infra.front_routing import Front

EDGE = Path(__file__).parent

CLOUDFRONT_BYTES_MAX = 10_240
"""Size limit of a CloudFront Function (CloudFront developer guide, "Quotas")."""

_NODE_IMPORTS = (
    'import { Buffer } from "node:buffer";\nimport { createHash } from "node:crypto";'
)
# Called as a method, as the engine wants it.
_CLOUDFRONT_HASH = "function createHash(name) {\n  return crypto.createHash(name);\n}"


def _part(name: str) -> str:
    """Read one part."""
    return (EDGE / f"{name}.js").read_text(encoding="utf-8").rstrip()


ROUTING = _part("routing")
"""The decision, as it stands in each of the front's programs."""


def as_json(front: Front) -> dict[str, object]:
    """Write what the decision depends on as ``routing.js`` reads it."""
    return {
        "percent": front.percent,
        "ours": list(front.ours),
        "shared": list(front.shared),
        "present": front.present,
    }


def worker_code() -> str:
    """Give the Worker's module; its configuration is the binding ``FRONT``."""
    return _joined(_NODE_IMPORTS, ROUTING, _part("api_front"))


def worker_settings(front: Front, origins: Mapping[str, str], present: str) -> str:
    """Write the binding of the Worker; the same input gives the same bytes.

    Args:
        front: What the decision depends on.
        origins: Base URLs of our functions, by name.
        present: Base URL of the present functions; empty where there are none.
    """
    path = front.present or ""
    settings = {
        **as_json(front),
        "origins": {name: url.rstrip("/") for name, url in origins.items()},
        "presentOrigin": present.removesuffix(path) or None,
        "timeoutsMs": {name: 1_000 * wait for name, wait in timeouts_s().items()},
    }
    return json.dumps(settings, sort_keys=True, separators=(",", ":"))


def request_code(front: Front) -> str:
    """Give the CloudFront Function that chooses the origin of a request."""
    return _cloudfront(front, "api_front_request", 'import cf from "cloudfront";')


def response_code(front: Front) -> str:
    """Give the CloudFront Function that names the side in an answer."""
    return _cloudfront(front, "api_front_response")


def _cloudfront(front: Front, part: str, *imports: str) -> str:
    """Join a CloudFront Function.

    Raises:
        ValueError: It is larger than CloudFront takes.
    """
    constant = f"const FRONT = {json.dumps(as_json(front), sort_keys=True)};"
    head = "\n".join([*imports, 'import crypto from "crypto";'])
    code = _joined(head, constant, _CLOUDFRONT_HASH, ROUTING, _part(part))
    size = len(code.encode())
    if size > CLOUDFRONT_BYTES_MAX:
        raise ValueError(
            f"infra/edge/{part}.js: the function has {size} bytes with routing.js, and"
            f" CloudFront takes {CLOUDFRONT_BYTES_MAX}"
        )
    return code


def _joined(*parts: str) -> str:
    """Join parts as one module."""
    return "\n\n".join(parts) + "\n"
