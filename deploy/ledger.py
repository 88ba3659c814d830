"""What the last deploys of the local stack established, to do nothing twice.

One JSON object in ``<state>/ledger.json``: digests and times, never a secret. Losing
it costs time, not correctness: the next deploy does the work again.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

FILE = "ledger.json"


def read(state: Path) -> dict[str, str]:
    """Read all entries; empty if there are none or the file is damaged."""
    try:
        entries = json.loads((state / FILE).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return entries if isinstance(entries, dict) else {}


def write(state: Path, **entries: str) -> None:
    """Add entries; the file is replaced in one step."""
    merged = {**read(state), **entries}
    temporary = state / f".{FILE}.{os.getpid()}"
    temporary.write_text(json.dumps(merged, indent=2, sort_keys=True) + "\n")
    temporary.replace(state / FILE)


def now() -> str:
    """Give the time in UTC, to the second, for people."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
