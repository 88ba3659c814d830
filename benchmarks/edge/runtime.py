"""Workers in workerd: the production Worker, and others beside it."""

from pathlib import Path
from typing import Any

from deploy.local.edge.running import Running, production, serving
from infra.catalog.cdn import WORKER_COMPATIBILITY_DATE

__all__ = ["Running", "module", "production", "serving"]


def module(source: Path, origin: str) -> dict[str, Any]:
    """Give another Worker, which gets the origin's address as a binding."""
    return {
        "worker": str(source),
        "compatibilityDate": WORKER_COMPATIBILITY_DATE,
        "bindings": {"ORIGIN": origin},
    }
