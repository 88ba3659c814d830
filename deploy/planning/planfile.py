"""Plan files: what somebody looked at and accepted, to be applied later or not at all.

A JSON document with the digests of everything that the plan was made from. Whoever
applies it asks `stale` first: if an input changed since, it is another plan.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.deployment import Deployment
from deploy.errors import UsageError
from deploy.local.files import write_private
from deploy.paths import state_dir
from deploy.planning import inputs, ledger
from deploy.receipts import digest

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class PlanFile:
    """One plan, as it is written into a file. It holds no secret.

    Attributes:
        stack: Name of the stack.
        commit: Commit of the working tree; ``None`` outside of git.
        created_at: When it was made, ISO 8601 in UTC.
        inputs: SHA-256 of each input by name (`deploy.planning.inputs`).
        declared: Digest of the declared document, equal on every machine.
        resources: How many resources are declared.
        changes: What differs from the last deploy, a line each.
        findings: What rules and the linter found, a line each; empty if nothing.
        cost: The estimate, as `deploy.planning.cost` gives it; empty without one.
    """

    stack: str
    commit: str | None
    created_at: str
    inputs: Mapping[str, str]
    declared: str
    resources: int
    changes: Sequence[str] = ()
    findings: Sequence[str] = ()
    cost: Mapping[str, Any] = field(default_factory=dict)

    def age_s(self, now: datetime) -> float:
        """Give the plan's age, in seconds."""
        return (now - datetime.fromisoformat(self.created_at)).total_seconds()


def write(plan: PlanFile, path: Path) -> None:
    """Write a plan, readable by its owner only; replace what is there.

    Raises:
        UsageError: There is no such folder.
    """
    check_folder(path)
    document: dict[str, Any] = {"format": FORMAT, **asdict(plan)}
    document["sha256"] = digest(document)
    write_private(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def check_folder(path: Path) -> None:
    """Refuse a plan's path before the work of planning is done.

    Raises:
        UsageError: It is a folder, or in one that is not there.
    """
    if path.is_dir():
        raise UsageError(
            f"--out {path}: is a folder; no plan was written",
            remedy=f"./bootstrap plan --out {path / 'plan.json'}",
        )
    if not path.parent.is_dir():
        raise UsageError(
            f"--out {path}: there is no folder {path.parent}; no plan was written",
            remedy=f"mkdir -p {path.parent}",
        )


def read(path: Path) -> PlanFile:
    """Read a plan.

    Raises:
        UsageError: It is missing, no plan, of another format, or was edited.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version, stated = document.pop("format"), document.pop("sha256")
        if version != FORMAT:
            raise _refused(path, f"has format {version}; this version reads {FORMAT}")
        if digest({"format": version, **document}) != stated:
            raise _refused(path, "was edited after it was written")
        return PlanFile(**document)
    except FileNotFoundError as error:
        raise _refused(path, "there is no such file") from error
    except OSError as error:
        raise _refused(path, f"cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _refused(path, f"is no plan ({type(error).__name__})") from error


def stale(plan: PlanFile, *, state: Path | None = None) -> list[str]:
    """Name the inputs that changed since a plan was made.

    Args:
        plan: The plan.
        state: State folder of the local stack; by default the configured one.

    Returns:
        Empty if it still says what would happen.
    """
    folder = state or state_dir()
    deployment = Deployment(stack=plan.stack, progress=lambda _: None, state=folder)
    last = ledger.load(ledger.folder(deployment))
    now = inputs.of_stack(
        plan.stack,
        state=folder,
        last_deploy=ledger.digest(last) if last else None,
    )
    return inputs.changed(dict(plan.inputs), now)


def now() -> str:
    """Give the time of a plan: UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _refused(path: Path, what: str) -> UsageError:
    """Say why a file is not taken for a plan."""
    return UsageError(
        f"{path}: {what}; nothing was changed",
        remedy=f"./bootstrap plan --out {path}",
    )
