"""Whether somebody updated a stack between its preview and our lock.

A preview is made before the lock is held: a person reads it and answers, which takes
its time. What the engine would do then may be something else than what they accepted.
"""

from typing import TYPE_CHECKING

from deploy.deployment import Deployment
from deploy.errors import LockedError

if TYPE_CHECKING:
    from deploy.engine.previewing import Preview
    from deploy.engine.workspace import Engine


def last_update(engine: "Engine") -> int | None:
    """Give the number of the newest update of a stack; ``None`` before the first."""
    newest = engine.stack.history(page_size=1, show_secrets=False)
    return newest[0].version if newest else None


def refuse_updated(deployment: Deployment, seen: "Preview") -> None:
    """Refuse a preview that is older than the stack.

    Raises:
        LockedError: Somebody updated the stack since; names both updates.
        DeployError: The backend does not answer.
    """
    from deploy.engine.workspace import explained

    with explained(deployment):
        now = last_update(seen.engine)
    if now != seen.update:
        raise LockedError(
            f"somebody updated stack {deployment.stack} since its preview: update"
            f" {now or 'none'}, previewed at {seen.update or 'none'}; nothing was"
            " changed",
            remedy="./bootstrap deploy",
            evidence={"previewed_at": seen.update, "now": now},
        )
