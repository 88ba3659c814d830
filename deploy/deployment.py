"""One run against one stack: what the steps need to know and hand on."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.errors import UsageError
from deploy.paths import REPOSITORY, state_dir

if TYPE_CHECKING:
    from deploy.bundles import Bundle
    from deploy.engine.previewing import Preview
    from deploy.journal import Entry
    from deploy.local.facts import LocalStack

LOCAL = "local"
DATABASE_VARIABLE = "KILOSCALE_DATABASE_URL"


@dataclass(kw_only=True)
class Deployment:
    """The context of one run.

    Attributes:
        stack: Name of the stack.
        progress: Called with a short text when something slow goes on.
        dry_run: Look only; change nothing, start nothing.
        state: State folder of the local stack.
        bundles: The services' zips by service name, once they are built.
        last_deploy: How the last deploy ended; ``None`` if none began.
        looked_for_backup: Whether this run has looked for one.
        allowed_losses: Names of resources of a cloud stack that may be replaced or
            deleted although something is lost with them.
        preview: What the engine would change, once this run has asked it.
        clients: Clients of a cloud stack's account by service, once they are made.
    """

    stack: str
    progress: Callable[[str], None]
    dry_run: bool = False
    state: Path = field(default_factory=state_dir)
    bundles: "dict[str, Bundle]" = field(default_factory=dict)
    last_deploy: "Entry | None" = None
    looked_for_backup: bool = False
    allowed_losses: tuple[str, ...] = ()
    preview: "Preview | None" = None
    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        """Whether the stack is the embedded one."""
        return self.stack == LOCAL

    @property
    def records(self) -> Path:
        """Folder of the stack's journal, lock and receipts; made if need be."""
        from deploy.local.files import private_folder
        from deploy.local.stack import RECORDS, make_state

        make_state(self.state)
        return private_folder(self.state / RECORDS / self.stack)

    @property
    def suffix(self) -> str:
        """What a remedy appends so that it acts on the same stack."""
        return "" if self.is_local else f" --stack {self.stack}"

    def local_stack(self) -> "LocalStack | None":
        """Give the local stack as recorded, or ``None`` if there is none."""
        from deploy.local.facts import LocalStack

        return LocalStack.load(self.state) if self.is_local else None

    def require_local(self) -> "LocalStack":
        """Give the local stack.

        Raises:
            UsageError: It was never started.
        """
        stack = self.local_stack()
        if stack is None:
            raise UsageError(
                f"no local stack in {self.state}: nothing to look at",
                remedy="./bootstrap local.start",
            )
        return stack

    def has_database(self) -> bool:
        """Tell whether there is a database to look at: the local one may not run."""
        from deploy.local import stack

        return not self.is_local or any(
            part.running for part in stack.status(self.state) if part.name == "postgres"
        )

    def database_url(self) -> str:
        """Give the URL of the role that owns the app's tables.

        Raises:
            UsageError: A cloud stack's URL is not in the environment, or the local
                stack was never started.
        """
        if self.is_local:
            return self.require_local().database_url
        url = os.environ.get(DATABASE_VARIABLE)
        if not url:
            raise UsageError(
                f"{DATABASE_VARIABLE} is not set: the database of stack"
                f" {self.stack} is unknown, nothing was changed",
                remedy=f"export {DATABASE_VARIABLE}=postgresql://..., the session"
                " pooler (port 5432)",
            )
        return url


def stack_names() -> list[str]:
    """List the stacks that have a configuration file, sorted."""
    files = REPOSITORY.glob("Pulumi.*.yaml")
    names = {file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files}
    return sorted(name for name in names if not name.endswith(".example"))


def check_stack(name: str) -> None:
    """Refuse a stack that has no configuration.

    Raises:
        UsageError: Names the stacks that exist.
    """
    known = stack_names()
    if name not in known:
        raise UsageError(
            f"no stack named {name!r}: there is no Pulumi.{name}.yaml;"
            f" known: {', '.join(known)}. Nothing was changed",
            remedy=f"cp Pulumi.production.example.yaml Pulumi.{name}.yaml",
        )
