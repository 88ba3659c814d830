"""What was live before a release that is not proved yet.

Kept in the stack's records until the proof, so that a deploy that was killed in between
does not lose the way back: the next one goes back to the same versions.
"""

import json
from dataclasses import asdict
from pathlib import Path

from deploy.local.files import write_private
from deploy.releases.versions import Release, Version

FILE = "release-pending.json"


def begin(records: Path, before: Release) -> None:
    """Note what is live, unless an earlier release is still waiting for its proof."""
    if read(records) is None:
        content = {name: asdict(version) for name, version in before.items()}
        write_private(records / FILE, json.dumps(content, indent=1))


def read(records: Path) -> Release | None:
    """Give what was live before; ``None`` if no release waits for its proof."""
    try:
        content = json.loads((records / FILE).read_text(encoding="utf-8"))
        return {name: Version(**version) for name, version in content.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return None


def end(records: Path) -> None:
    """Note that the release is proved, or withdrawn."""
    (records / FILE).unlink(missing_ok=True)
